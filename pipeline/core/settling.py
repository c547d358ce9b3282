"""What is finished and not yet published, and what goes into the next transaction."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby

from pipeline.core.events import Outcome, Publish, Read, UnitId
from pipeline.core.partitions import Partitions
from schemas.record import Partition


class Settling:
    """At most one round (transaction) is open. What a round carried is taken back if it was aborted."""

    def __init__(self, partitions: Partitions, *, max_round: int) -> None:
        self._partitions = partitions
        self._max_round = max_round
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
        left = sorted(self._settled, key=_record)
        for (_, offset), group in groupby(left, key=_record):
            outcomes = list(group)
            tracker = self._partitions.owner(outcomes[0].unit.id)
            if tracker is None or len(chosen) + len(outcomes) > max(self._max_round, len(outcomes)):
                continue
            if tracker.settle_together(offset, frozenset(o.unit.id.index for o in outcomes)):
                chosen += outcomes
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

    def failures(self) -> list[UnitId]:
        """Documents that ended without a result and are not published yet."""
        return [o.unit.id for o in self._settled if not isinstance(o, Read)]

    def carries(self, unit: UnitId) -> bool:
        return any(outcome.unit.id == unit for outcome in self._round)


def _record(outcome: Outcome) -> tuple[Partition, int]:
    return outcome.unit.id.partition, outcome.unit.id.offset
