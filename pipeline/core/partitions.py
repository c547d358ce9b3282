"""Which partitions are ours, since when, and where each stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pipeline.core.events import UnitId
from pipeline.core.offsets import OffsetTracker
from schemas.record import Partition, Position


class Partitions:
    """Every assignment of a partition raises its epoch, so that work begun under an older one is recognised."""

    def __init__(self) -> None:
        self._epochs: dict[Partition, int] = {}
        self._trackers: dict[Partition, OffsetTracker] = {}
        self._changed: set[Partition] = set()
        self._own_starts: dict[Partition, dict[tuple[int, int], int]] = {}

    def __iter__(self) -> Iterator[Partition]:
        return iter(self._trackers)

    def assign(self, positions: Mapping[Partition, Position]) -> None:
        for partition, position in positions.items():
            self._epochs[partition] = self._epochs.get(partition, 0) + 1
            self._trackers[partition] = OffsetTracker(position)
            self._trackers[partition].forgive(self._own_starts.pop(partition, {}))

    def drop(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            if (tracker := self._trackers.pop(partition, None)) is not None:
                self._own_starts[partition] = tracker.own_starts()
            self._changed.discard(partition)

    def tracker(self, partition: Partition) -> OffsetTracker | None:
        return self._trackers.get(partition)

    def epoch(self, partition: Partition) -> int:
        return self._epochs[partition]

    def owner(self, unit: UnitId) -> OffsetTracker | None:
        """The tracker a unit belongs to, unless its partition was given up since."""
        return self._trackers.get(unit.partition) if self._epochs.get(unit.partition) == unit.epoch else None

    def changed(self, partition: Partition) -> None:
        """The position moved without a transaction to carry it."""
        self._changed.add(partition)

    def take_changed(self) -> dict[Partition, Position]:
        changed, self._changed = self._changed, set()
        return {p: self._trackers[p].position() for p in sorted(changed) if p in self._trackers}

    def advance(self, ends: Mapping[Partition, int]) -> None:
        for partition, end in ends.items():
            tracker = self._trackers.get(partition)
            if tracker is not None and tracker.watermark < end and tracker.unsettled == 0:
                tracker.advance(end)
                self._changed.add(partition)

    def handover(self, partitions: Collection[Partition]) -> dict[Partition, Position]:
        return {p: self._trackers[p].handover() for p in sorted(partitions) if p in self._trackers}
