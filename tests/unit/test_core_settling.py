"""Laws of rounds: what goes into a transaction, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace

from pipeline.core.events import Dead, Publish, Read, Unit, UnitId
from pipeline.core.partitions import Partitions
from pipeline.core.settling import Budget, Settling
from pipeline.errors import Rejected
from schemas.failures import Origin
from schemas.record import Partition, Position, Record

ONE, TWO = Partition("documents", 0), Partition("documents", 1)


def outcome(offset: int, index: int = 0, *, partition: Partition = ONE) -> Read:
    unit_id = UnitId(partition, offset, index, 1)
    origin = Origin(partition.topic, partition.number, offset, index)
    return Read(Unit(unit_id, Record(partition, offset, None, b""), origin, 1, None), ())


def settling_of(*, records: int = 4, size: int = 1, max_round: int = 9) -> tuple[Settling, Partitions]:
    partitions = Partitions()
    partitions.assign({ONE: Position(0), TWO: Position(0)})
    for partition in (ONE, TWO):
        tracker = partitions.tracker(partition)
        assert tracker is not None
        for offset in range(records):
            tracker.track(offset, size)
    return Settling(partitions, Budget(max_round, 2**20)), partitions


def test_a_round_carries_all_that_is_settled_and_the_positions_it_makes() -> None:
    """Outcomes go in order of their records, with the positions of their partitions only."""
    settling, _ = settling_of()
    settling.add(outcome(2))
    settling.add(outcome(0))
    assert settling.begin() == Publish(1, (outcome(0), outcome(2)), {ONE: Position(1, "1;2;0")})
    assert settling.open
    assert settling.begin() is None


def test_a_round_is_bounded() -> None:
    """A round takes no more documents than its budget; the rest of a record goes with the next."""
    settling, _ = settling_of(size=3, max_round=2)
    for index in range(3):
        settling.add(outcome(0, index))
    settling.add(outcome(1))
    first = settling.begin()
    assert first is not None
    assert [o.unit.id.index for o in first.outcomes] == [0, 1]
    settling.published()
    second = settling.begin()
    assert second is not None
    assert [(o.unit.id.offset, o.unit.id.index) for o in second.outcomes] == [(0, 2), (1, 0)]


def test_a_round_is_bounded_in_bytes() -> None:
    """Dead letters carry their record once more: many of a large one are many rounds."""
    partitions = Partitions()
    partitions.assign({ONE: Position(0)})
    tracker = partitions.tracker(ONE)
    assert tracker is not None
    tracker.track(0, 3)
    settling = Settling(partitions, Budget(100, 50_000))
    for index in range(3):
        unit = outcome(0, index).unit
        large = replace(unit, record=replace(unit.record, value=b"x" * 30_000))
        settling.add(Dead(large, Rejected("No."), 0))
    sizes = []
    while (publish := settling.begin()) is not None:
        sizes.append(len(publish.outcomes))
        settling.published()
    assert sizes == [1, 1, 1]


def test_a_failed_round_is_taken_back_whole() -> None:
    """After an abort the same round can be begun again, before anything newer."""
    settling, _ = settling_of()
    settling.add(outcome(0))
    first = settling.begin()
    settling.add(outcome(1))
    assert settling.failed() == ()
    second = settling.begin()
    assert first is not None
    assert second is not None
    assert second.outcomes == (outcome(0), outcome(1))
    assert second.positions == {ONE: Position(2)}


def test_a_failed_round_gives_back_what_is_not_ours_any_more() -> None:
    """Outcomes of a partition that was given up meanwhile are named and not kept."""
    settling, partitions = settling_of()
    settling.add(outcome(0))
    settling.add(outcome(0, partition=TWO))
    settling.begin()
    partitions.drop([TWO])
    assert settling.failed() == (outcome(0, partition=TWO),)
    assert len(settling) == 1


def test_nothing_is_published_for_a_partition_that_is_not_ours() -> None:
    """What was settled under an older assignment stays out."""
    settling, partitions = settling_of()
    settling.add(outcome(0))
    partitions.drop([ONE])
    assert settling.begin() is None
    partitions.assign({ONE: Position(0)})
    tracker = partitions.tracker(ONE)
    assert tracker is not None
    tracker.track(0, 1)
    assert settling.begin() is None


def test_a_revoked_partition_is_handed_over_without_starts() -> None:
    """The last round of a partition leaves a position in which our own starts do not count."""
    settling, partitions = settling_of()
    tracker = partitions.tracker(ONE)
    assert tracker is not None
    tracker.start(0, 0)
    tracker.start(1, 0)
    settling.add(outcome(0))
    settling.add(outcome(0, partition=TWO))
    publish = settling.begin([ONE])
    assert publish is not None
    assert publish.positions == {ONE: Position(1), TWO: Position(1)}


def test_what_is_dropped_is_not_published() -> None:
    """Dropped outcomes leave the line but never an open round."""
    settling, _ = settling_of()
    settling.add(outcome(0))
    settling.begin()
    settling.add(outcome(1))
    settling.drop({outcome(0).unit.id, outcome(1).unit.id})
    assert len(settling) == 1
    assert settling.carries(outcome(0).unit.id)
    assert not settling.carries(outcome(1).unit.id)
