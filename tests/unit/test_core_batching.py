"""Laws of batches: what goes together, when, and why it was closed."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.batching import PASSED_OVER, Batcher, BatchPolicy

POLICY = BatchPolicy(max_items=3, max_cost=10, max_wait_s=0.5)


@dataclass(frozen=True)
class Thing:
    name: int
    bucket: str = "a"
    cost: int = 1
    owner: str = ""


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
    assert batcher.overdue(2.4) is None
    chosen = batcher.overdue(2.5)
    assert chosen is not None
    assert chosen.closed == "overdue"
    assert batcher.due() is None


def test_the_bucket_that_has_waited_longest_goes_first() -> None:
    """Among full buckets, overdue ones and for an idle lane, the oldest item decides."""
    batcher = batcher_of(*[Thing(n, "b") for n in range(3)])
    for number in range(3, 6):
        batcher.add(Thing(number, "a"), 0.1)
    batcher.add(Thing(6, "c"), 0.2)
    batcher.add(Thing(7, "d"), 0.3)
    batcher.add(Thing(8, "e"), 0.9)
    chosen = [batcher.ready(0.9), batcher.ready(0.9), batcher.ready(0.9), batcher.overdue(0.9), batcher.overdue(0.9)]
    chosen += [batcher.overdue(0.9), batcher.partial(0.9), batcher.partial(0.9)]
    assert [c and (c.items[0].bucket, c.closed) for c in chosen] == [
        ("b", "full"),
        ("a", "full"),
        None,
        ("c", "overdue"),
        ("d", "overdue"),
        None,
        ("e", "idle"),
        None,
    ]


def test_full_ones_do_not_pass_a_bucket_over_for_ever() -> None:
    """While full batches keep coming, a bucket that never fills goes after a few times its deadline."""
    batcher = batcher_of(Thing(0, "rare"))
    taken: list[tuple[str, float]] = []
    for step in range(1, 50):
        now = step / 10
        for _ in range(3):
            batcher.add(Thing(step, "common"), now)
        chosen = batcher.ready(now)
        assert chosen is not None
        taken.append((chosen.items[0].bucket, now))
    assert [now for bucket, now in taken if bucket == "rare"] == [PASSED_OVER * POLICY.max_wait_s]


def test_owners_take_turns() -> None:
    """An owner with many items waits for one of each other owner between two of its own; its order is kept."""
    batcher: Batcher[Thing] = Batcher(BatchPolicy(1, 10, 0.5), owner=lambda thing: thing.owner)
    for number in range(4):
        batcher.add(Thing(number, owner="long"), 0.0)
    assert taken_from(batcher) == [("long", 0)]
    batcher.add(Thing(0, owner="short"), 1.0)
    batcher.add(Thing(0, owner="other"), 1.0)
    assert [taken_from(batcher) for _ in range(5)] == [
        [("long", 1)],
        [("short", 0)],
        [("other", 0)],
        [("long", 2)],
        [("long", 3)],
    ]


def taken_from(batcher: Batcher[Thing]) -> list[tuple[str, int]]:
    chosen = batcher.ready(0.0)
    return [(thing.owner, thing.name) for thing in chosen.items] if chosen else []


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
    assert (len(batcher), batcher.due(), batcher.ready(9.0), batcher.partial(9.0)) == (0, None, None, None)


def test_a_discard_gives_cost_back() -> None:
    """A bucket that lost its dear item is not full any more."""
    batcher = batcher_of(Thing(0, cost=9), Thing(1))
    batcher.discard(lambda thing: thing.name == 0)
    assert batcher.ready(0.0) is None


things = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.integers(1, 14), st.sampled_from("xyz"), st.sampled_from(["", "ready", "any"])
    ),
    max_size=40,
)


@given(things, st.booleans())
def test_every_item_is_chosen_once_and_limits_hold(drawn: list[tuple[str, int, str, str]], turns: bool) -> None:
    """Whatever is asked for in between, batches keep buckets apart, keep the limits and each owner's order, and lose
    nothing; in the end nothing is remembered."""
    batcher: Batcher[Thing] = Batcher(POLICY, owner=(lambda thing: thing.owner) if turns else None)
    chosen = []
    for number, (bucket, cost, owner, ask) in enumerate(drawn):
        now = number / 10
        batcher.add(Thing(number, bucket, cost, owner), now)
        if ask and (some := batcher.ready(now) if ask == "ready" else batcher.partial(now)) is not None:
            chosen.append(some)
    while (rest := batcher.partial(9.0)) is not None:
        chosen.append(rest)
    assert len(batcher) == 0
    assert (batcher._buckets, batcher._turns, +batcher._owned) == ({}, {}, {})
    assert sorted(t.name for c in chosen for t in c.items) == list(range(len(drawn)))
    for batch in chosen:
        assert len({t.bucket for t in batch.items}) == 1
        assert len(batch.items) <= 3
        assert len(batch.items) == 1 or sum(t.cost for t in batch.items) <= 10
    for bucket in "abc":
        for owner in "xyz":
            names = [t.name for c in chosen for t in c.items if (t.bucket, t.owner) == (bucket, owner)]
            assert names == sorted(names)


@given(st.lists(st.sampled_from(["long", "short"]), max_size=30), st.integers(1, 3))
def test_nobody_waits_for_more_than_a_batch_of_another(arrivals: list[str], most: int) -> None:
    """While something of an owner waits, another's items taken before it are at most one a round and what one batch
    holds: so the wait does not grow with how much the other has."""
    batcher: Batcher[Thing] = Batcher(BatchPolicy(most, 100, 0.5), owner=lambda thing: thing.owner)
    for number in range(100):
        batcher.add(Thing(number, owner="long"), 0.0)
    for number, owner in enumerate(arrivals):
        batcher.add(Thing(number, owner=owner), 1.0)
    shorts = arrivals.count("short")
    order = [
        thing.owner for batch in iter(lambda: batcher.ready(1.0) or batcher.partial(1.0), None) for thing in batch.items
    ]
    if shorts:
        last = len(order) - 1 - order[::-1].index("short")
        assert order[: last + 1].count("long") <= shorts + most


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=30), st.floats(0, 5))
def test_whatever_waits_is_wanted_by_its_deadline(buckets: list[str], passed: float) -> None:
    """Once `due` has come there is a batch for a lane with room, and not before unless it is full."""
    batcher: Batcher[Thing] = Batcher(POLICY)
    for number, bucket in enumerate(buckets):
        batcher.add(Thing(number, bucket), number / 10)
    due = batcher.due()
    assert due is not None
    chosen = batcher.ready(passed) or batcher.overdue(passed)
    assert (chosen is not None) == (due <= passed or any(buckets.count(b) >= POLICY.max_items for b in buckets))
