"""What is finished and not yet published, and what goes into the next transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.core.events import Outcome, Publish, Read, UnitId
from pipeline.core.partitions import Partitions
from schemas.record import Partition

PAGE_RECORD_BYTES = 8 * 1024
"""Roughly what a page record takes, to bound a round by: the result object of one receipt was seen to take 11 kB."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Room in a round, in documents and in bytes of records; a document that exceeds it goes alone."""

    documents: int
    size: int

    def takes(self, outcomes: Sequence[Outcome]) -> bool:
        return len(outcomes) <= self.documents and sum(map(_size, outcomes)) <= self.size

    def some(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """As many of the first as there is room for, one at least."""
        count = 1
        room = self.less(outcomes[:1])
        while count < len(outcomes) and room.takes(outcomes[count : count + 1]):
            room = room.less(outcomes[count : count + 1])
            count += 1
        return outcomes[:count]

    def less(self, outcomes: Sequence[Outcome]) -> Budget:
        return Budget(self.documents - len(outcomes), self.size - sum(map(_size, outcomes)))


class Settling:
    """At most one round (transaction) is open. What a round carried is taken back if it was aborted."""

    def __init__(self, partitions: Partitions, budget: Budget) -> None:
        self._partitions = partitions
        self._budget = budget
        self._settled: list[Outcome] = []
        self._round: tuple[Outcome, ...] = ()
        self._rounds = 0

    def __len__(self) -> int:
        return len(self._settled) + len(self._round)

    @property
    def open(self) -> bool:
        return bool(self._round)

    def add(self, outcome: Outcome) -> None:
        self._settled.append(outcome)

    def begin(self, revoked: Collection[Partition] = ()) -> Publish | None:
        """The next round. Documents of a record wait for their siblings if the position would not fit into a commit."""
        if self._round:
            return None
        chosen: list[Outcome] = []
        room = self._budget
        for (_, offset), group in groupby(sorted(self._settled, key=_place), key=_record):
            settled = list(group)
            tracker = self._partitions.owner(settled[0].unit.id)
            if tracker is None or (chosen and not room.takes(settled[:1])):
                continue
            for outcomes in (room.some(settled), settled):  # all of them, should a part not fit into the metadata
                if tracker.settle_together(offset, frozenset(o.unit.id.index for o in outcomes)):
                    chosen += outcomes
                    room = room.less(outcomes)
                    break
        if not chosen:
            return None
        taken = {outcome.unit.id for outcome in chosen}
        self._settled = [o for o in self._settled if o.unit.id not in taken]
        self._round = tuple(chosen)
        self._rounds += 1
        moved = {o.unit.id.partition for o in chosen}
        handed_over = self._partitions.handover(moved & set(revoked))
        positions = {p: t.position() for p in sorted(moved) if (t := self._partitions.tracker(p)) is not None}
        return Publish(self._rounds, self._round, positions | handed_over)

    def published(self) -> tuple[Outcome, ...]:
        done, self._round = self._round, ()
        for outcome in done:
            if (tracker := self._partitions.owner(outcome.unit.id)) is not None:
                tracker.confirm()
        return done

    def failed(self) -> tuple[Outcome, ...]:
        """Take the round back. Returns the outcomes whose partition was given up meanwhile: others will redo them."""
        taken_back, self._round = self._round, ()
        gone = []
        kept = []
        for outcome in taken_back:
            tracker = self._partitions.owner(outcome.unit.id)
            if tracker is None:
                gone.append(outcome)
                continue
            tracker.reopen(outcome.unit.id.offset, frozenset({outcome.unit.id.index}))
            kept.append(outcome)
        self._settled = kept + self._settled
        return tuple(gone)

    def drop(self, units: Collection[UnitId]) -> None:
        self._settled = [o for o in self._settled if o.unit.id not in units]

    def carries(self, unit: UnitId) -> bool:
        return any(outcome.unit.id == unit for outcome in self._round)


def _record(outcome: Outcome) -> tuple[Partition, int]:
    return outcome.unit.id.partition, outcome.unit.id.offset


def _place(outcome: Outcome) -> tuple[Partition, int, int]:
    return (*_record(outcome), outcome.unit.id.index)


def _size(outcome: Outcome) -> int:
    """About how many bytes of records: pages, or the original record once more."""
    if isinstance(outcome, Read):
        return len(outcome.pages) * PAGE_RECORD_BYTES
    return len(outcome.unit.record.value or b"") + PAGE_RECORD_BYTES
