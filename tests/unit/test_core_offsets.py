"""Laws of the watermark and of what a commit tells a successor."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.offsets import METADATA_LIMIT, MetadataInvalid, OffsetTracker
from schemas.record import Position
from tests.unit.flow_shell import account_of


def settle(tracker: OffsetTracker, offset: int, *indices: int) -> bool:
    settled = tracker.settle_together(offset, frozenset(indices or (0,)))
    tracker.confirm()
    return settled


def tracked(*offsets: int, size: int = 1) -> OffsetTracker:
    tracker = OffsetTracker(Position(offsets[0] if offsets else 0))
    for offset in offsets:
        tracker.track(offset, size)
    return tracker


def test_the_watermark_is_the_lowest_record_not_settled() -> None:
    """Records settled out of order move the watermark only when all below are settled."""
    tracker = tracked(4, 5, 6)
    settle(tracker, 5)
    assert tracker.watermark == 4
    settle(tracker, 4)
    assert (tracker.watermark, tracker.unsettled) == (6, 1)
    settle(tracker, 6)
    assert tracker.watermark == 7


def test_the_position_lists_what_is_open_below_what_is_known() -> None:
    """Open records, the indices done and the starts are told; records above that nobody began are not."""
    tracker = tracked(10, 12, 13, 20, 21, size=3)
    tracker.start(10, 1)
    settle(tracker, 12, 0, 1)
    settle(tracker, 13, 0, 1, 2)
    assert tracker.position() == Position(10, "1;10;0s1:1,2d0-1")


def test_starts_of_settled_documents_are_not_told() -> None:
    """What was begun and is settled takes no room in the metadata."""
    tracker = tracked(0, size=3)
    for index in range(3):
        tracker.start(0, index)
    settle(tracker, 0, 0, 1)
    assert tracker.position().metadata == "1;1;0d0-1s2:1"


def test_a_handover_leaves_our_own_starts_out() -> None:
    """Given up in good order, a document counts only the deaths before us."""
    tracker = OffsetTracker(Position(0, "1;2;0s0:2,1"))
    tracker.track(0, 1)
    tracker.track(1, 1)
    tracker.start(0, 0)
    tracker.start(1, 0)
    assert tracker.position().metadata == "1;2;0s0:3,1s0:1"
    assert tracker.handover().metadata == "1;1;0s0:2"


def test_a_restart_knows_what_is_settled_above_the_watermark() -> None:
    """A successor passes over settled records and indices, and counts the starts of the dead."""
    tracker = OffsetTracker(Position(5, "1;6;0d1s0:2,3"))
    assert [tracker.is_settled(offset) for offset in (4, 5, 6, 7, 8, 10, 11)] == [
        True,
        False,
        True,
        True,
        False,
        True,
        False,
    ]
    assert tracker.track(5, 3) == frozenset({1})
    assert (tracker.starts(5, 0), tracker.starts(5, 2)) == (2, 0)


def test_records_gone_from_the_log_do_not_hold_the_watermark() -> None:
    """An open record of a predecessor that is not there any more is passed by the next record read."""
    tracker = OffsetTracker(Position(5, "1;6;0,3"))
    tracker.track(8, 1)
    assert tracker.watermark == 8


def test_an_aborted_round_changes_nothing() -> None:
    """What was settled together and reopened leaves the position as it was, in the order of offsets."""
    tracker = tracked(0, 1, 2, size=2)
    settle(tracker, 0, 0)
    before = tracker.position()
    tracker.settle_together(0, frozenset({1}))
    tracker.settle_together(1, frozenset({0, 1}))
    assert tracker.watermark == 2
    tracker.reopen(0, frozenset({1}))
    tracker.reopen(1, frozenset({0, 1}))
    assert (tracker.position(), tracker.watermark) == (before, 0)


def test_an_entry_passed_over_counts_for_its_record_only() -> None:
    """Entries without a document complete their record; alone they leave no word in the metadata."""
    tracker = tracked(0, 1, size=4)
    tracker.pass_over(0, 1)
    assert tracker.position() == Position(0)
    settle(tracker, 0, 0, 2)
    assert tracker.position().metadata == "1;1;0d0-2"
    settle(tracker, 0, 3)
    assert tracker.watermark == 1


def test_a_record_passed_over_while_a_round_is_open_is_no_part_of_it() -> None:
    """A round that fails takes back its own documents and nothing else."""
    tracker = tracked(0, 1)
    tracker.settle_together(0, frozenset({0}))
    tracker.pass_over(1, 0)
    tracker.reopen(0, frozenset({0}))
    assert (tracker.watermark, tracker.is_settled(1)) == (0, True)


def test_the_end_is_reached_only_when_nothing_is_open() -> None:
    """Control records are stepped over at the end of the log, never over an open record, never backwards."""
    tracker = tracked(0)
    tracker.advance(9)
    assert tracker.watermark == 0
    settle(tracker, 0)
    tracker.advance(9)
    tracker.advance(3)
    assert tracker.position() == Position(9)


def test_the_leader_epoch_of_the_last_record_travels_along() -> None:
    """The position carries the newest leader epoch known."""
    tracker = OffsetTracker(Position(0, "", 3))
    assert tracker.position().leader_epoch == 3
    tracker.track(0, 1, 4)
    tracker.track(1, 1, None)
    assert tracker.position().leader_epoch == 4


@pytest.mark.parametrize("metadata", ["x", "2;3;0", "1;3", "1;3;", "1;3;5", "1;x;0", "1;3;0dx", "1;3;0s1", "1;3;0,-1"])
def test_foreign_metadata_is_refused(metadata: str) -> None:
    """Metadata this program did not write is never guessed at."""
    with pytest.raises(MetadataInvalid):
        OffsetTracker(Position(0, metadata))


def test_starts_are_left_out_before_the_metadata_is_too_long() -> None:
    """With more begun than can be told, the position tells what is settled, and fits."""
    tracker = tracked(*range(0, 40_000, 100))
    for offset in range(0, 40_000, 100):
        tracker.start(offset, 0)
    settle(tracker, 39_900)
    assert len(tracker.position().metadata) <= METADATA_LIMIT
    assert account_of(tracker.position())[1] == 39_901


def test_what_would_not_fit_is_not_settled() -> None:
    """Settling is refused when the position would not fit, changes nothing then, and works once there is room."""
    tracker = tracked(0, 1, size=1000)
    even = frozenset(range(0, 1000, 2))
    assert tracker.settle_together(0, even)
    before = tracker.position()
    assert not tracker.settle_together(1, even)
    assert tracker.position() == before
    assert settle(tracker, 0, *range(1, 1000, 2))
    assert tracker.settle_together(1, even)


def test_a_whole_record_is_not_settled_where_the_position_would_not_fit() -> None:
    """A record above more open ones than can be listed waits for them."""
    tracker = tracked(*range(2000))
    assert not settle(tracker, 1999)
    assert tracker.position() == Position(0)
    assert settle(tracker, 0)


steps = st.lists(
    st.tuples(
        st.sampled_from(["track", "start", "settle", "abort", "pass", "restart", "handover"]), st.integers(0, 99)
    ),
    max_size=60,
)


@given(steps)
def test_a_successor_is_given_exactly_what_is_open(steps: list[tuple[str, int]]) -> None:
    """At every moment the position names exactly the settled documents, by another reading of its metadata."""
    tracker = OffsetTracker(Position(0))
    sizes: dict[int, int] = {}
    settled: set[tuple[int, int]] = set()
    passed: set[tuple[int, int]] = set()
    read: set[int] = set()
    for what, number in steps:
        free = sorted((o, i) for o in read for i in range(sizes[o]) if (o, i) not in settled | passed)
        chosen = free[number % len(free)] if free else None
        if what == "track":
            new = max(sizes, default=-1) + 1 + number % 2
            sizes.setdefault(new, 1 + number % 4)
            for offset in sorted(sizes.keys() - read):
                tracker.track(offset, sizes[offset])
                read.add(offset)
        elif what in ("restart", "handover"):
            tracker = OffsetTracker(tracker.handover() if what == "handover" else tracker.position())
            passed, read = (
                {(o, i) for o, i in passed if tracker.is_settled(o)},
                {o for o in read if tracker.is_settled(o)},
            )
            for offset in sorted(sizes.keys() - read):
                assert not tracker.is_settled(offset)
                done = tracker.track(offset, sizes[offset])
                read.add(offset)
                passed |= {(offset, i) for i in done if (offset, i) not in settled}
        elif chosen is not None and what == "start":
            tracker.start(*chosen)
        elif chosen is not None and what == "pass":
            tracker.pass_over(*chosen)
            passed.add(chosen)
        elif chosen is not None:
            assert tracker.settle_together(chosen[0], frozenset({chosen[1]}))
            if what == "settle":
                tracker.confirm()
                settled.add(chosen)
            else:
                tracker.reopen(chosen[0], frozenset({chosen[1]}))
        low, high, listed = account_of(tracker.position())
        for offset, size in sizes.items():
            for index in range(size):
                gone = index in listed[offset][0] if offset in listed else offset < high
                assert gone or (offset, index) not in settled
                assert not gone or (offset, index) in settled | passed
        assert low == tracker.watermark


def test_our_own_starts_are_forgiven_when_a_partition_comes_back() -> None:
    """Who lost a partition and lives has killed nobody; what others began still counts."""
    ours = OffsetTracker(Position(0))
    ours.track(0, 1)
    ours.start(0, 0)
    back = OffsetTracker(ours.position())
    back.track(0, 1)
    assert back.starts(0, 0) == 1
    back.forgive(ours.own_starts())
    assert back.starts(0, 0) == 0
    assert back.handover() == Position(0)
    theirs = OffsetTracker(ours.position())
    theirs.track(0, 1)
    theirs.start(0, 0)
    back = OffsetTracker(theirs.position())
    back.track(0, 1)
    back.forgive(ours.own_starts())
    assert back.starts(0, 0) == 1


def test_a_start_is_forgiven_once_and_a_predecessors_never() -> None:
    """Over any number of losses without a new start, our own mark counts for nothing and a dead worker's for one."""
    dead = OffsetTracker(Position(0))
    dead.track(0, 2)
    dead.start(0, 0)
    ours = OffsetTracker(dead.position())
    ours.track(0, 2)
    ours.start(0, 1)
    told, own = ours.position(), ours.own_starts()
    for _ in range(3):
        back = OffsetTracker(told)
        back.forgive(own)
        back.track(0, 2)
        assert (back.starts(0, 0), back.starts(0, 1)) == (1, 0)
        own = back.own_starts()
    left = OffsetTracker(back.handover())
    left.forgive(own)
    left.track(0, 2)
    assert (left.starts(0, 0), left.starts(0, 1)) == (1, 0)


def test_nothing_is_remembered_of_what_is_settled() -> None:
    """A tracker is as large after a thousand settled documents as after one."""
    tracker = tracked(0)
    weights = []
    for offset in range(1_000):
        tracker.track(offset, 1)
        tracker.start(offset, 0)
        settle(tracker, offset)
        weights.append(len(pickle.dumps(tracker)))
    assert weights[-1] <= weights[1] + 8  # the offset itself has more digits
