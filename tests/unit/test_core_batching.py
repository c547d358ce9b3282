"""Laws of batches: what goes together, when, and why it was closed."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.batching import Batcher, BatchPolicy

POLICY = BatchPolicy(max_items=3, max_cost=10, max_wait_s=0.5)


@dataclass(frozen=True)
class Thing:
    name: int
    bucket: str = "a"
    cost: int = 1


def batcher_of(*things: Thing, now: float = 0.0) -> Batcher[Thing]:
    batcher: Batcher[Thing] = Batcher(POLICY)
    for thing in things:
        batcher.add(thing, now)
    return batcher


def test_a_full_bucket_is_ready_at_once() -> None:
    """The number of items closes a batch, and what is over stays."""
    batcher = batcher_of(*[Thing(n) for n in range(4)])
    chosen = batcher.ready(0.0)
    assert chosen is not None
    assert ([t.name for t in chosen.items], chosen.closed, len(batcher)) == ([0, 1, 2], "full", 1)
    assert batcher.ready(0.4) is None


def test_cost_closes_a_batch_too() -> None:
    """A batch is closed before it would cost more than allowed."""
    batcher = batcher_of(Thing(0, cost=6), Thing(1, cost=6))
    chosen = batcher.ready(0.0)
    assert chosen is not None
    assert ([t.name for t in chosen.items], chosen.closed) == ([0], "full")


def test_an_item_above_the_limit_goes_alone() -> None:
    """What is too dear for any batch makes one of its own."""
    chosen = batcher_of(Thing(0, cost=99), Thing(1)).ready(0.0)
    assert chosen is not None
    assert [t.name for t in chosen.items] == [0]


def test_waiting_too_long_closes_a_batch() -> None:
    """At its deadline, not before, a bucket goes as it is."""
    batcher = batcher_of(Thing(0), now=2.0)
    assert batcher.due() == 2.5
    assert batcher.ready(2.4) is None
    chosen = batcher.ready(2.5)
    assert chosen is not None
    assert chosen.closed == "overdue"
    assert batcher.due() is None


def test_the_bucket_that_has_waited_longest_goes_first() -> None:
    """Among full buckets, overdue ones and for an idle lane, the oldest item decides."""
    batcher = batcher_of(Thing(0, "b"))
    batcher.add(Thing(1, "a"), 0.1)
    chosen = batcher.ready(1.0)
    assert chosen is not None
    assert chosen.items[0].bucket == "b"
    idle = batcher.partial()
    assert idle is not None
    assert (idle.items[0].bucket, idle.closed) == ("a", "idle")
    assert batcher.partial() is None


def test_an_item_run_again_goes_by_itself_and_first() -> None:
    """Items of a batch that failed come before all others, one by one."""
    batcher = batcher_of(*[Thing(n) for n in range(3)])
    batcher.add_alone(Thing(7))
    batcher.add_alone(Thing(8))
    closed = [batcher.ready(0.0) for _ in range(3)]
    assert [([t.name for t in c.items], c.closed) for c in closed if c] == [
        ([7], "alone"),
        ([8], "alone"),
        ([0, 1, 2], "full"),
    ]
    assert len(batcher) == 0


def test_discarded_items_are_gone() -> None:
    """Nothing of what was discarded is counted, chosen or waited for."""
    batcher = batcher_of(Thing(0, cost=9), Thing(1, "b"))
    batcher.add_alone(Thing(2))
    batcher.discard(lambda thing: thing.name != 1)
    assert len(batcher) == 1
    batcher.discard(lambda thing: True)
    assert (len(batcher), batcher.due(), batcher.ready(9.0), batcher.partial()) == (0, None, None, None)


def test_a_discard_gives_cost_back() -> None:
    """A bucket that lost its dear item is not full any more."""
    batcher = batcher_of(Thing(0, cost=9), Thing(1))
    batcher.discard(lambda thing: thing.name == 0)
    assert batcher.ready(0.0) is None


things = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 14), st.booleans()), max_size=40)


@given(things)
def test_every_item_is_chosen_once_and_limits_hold(drawn: list[tuple[str, int, bool]]) -> None:
    """Whatever is asked for in between, batches keep buckets apart, keep the limits and lose nothing."""
    batcher: Batcher[Thing] = Batcher(POLICY)
    chosen = []
    for number, (bucket, cost, ask) in enumerate(drawn):
        batcher.add(Thing(number, bucket, cost), number / 10)
        if ask and (ready := batcher.ready(number / 10)) is not None:
            chosen.append(ready)
    while (rest := batcher.partial()) is not None:
        chosen.append(rest)
    assert len(batcher) == 0
    assert sorted(t.name for c in chosen for t in c.items) == list(range(len(drawn)))
    for batch in chosen:
        assert len({t.bucket for t in batch.items}) == 1
        assert len(batch.items) <= 3
        assert len(batch.items) == 1 or sum(t.cost for t in batch.items) <= 10
        assert [t.name for t in batch.items] == sorted(t.name for t in batch.items)
