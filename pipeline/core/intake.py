"""How a record becomes documents: which ones it names, which of them we answer for, and when each may begin."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pipeline.core.events import Accept, Command, Dead, Ignore, Unit, UnitId
from pipeline.core.offsets import OffsetTracker
from pipeline.core.partitions import Partitions
from pipeline.core.policy import FlowPolicy
from pipeline.errors import Environment, PagestreamError, Rejected
from schemas.failures import Origin, RetryState, read_retry
from schemas.inbound import Entry, NoDocument, Refused, Submitted, read_event
from schemas.problems import Malformed, UnknownSchemaVersion
from schemas.record import Partition, Record

KILLED = "Workers died while reading this document, as often as flow.max_deaths allows; read it apart and report it."


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that is settled at once: it must not be begun."""

    outcome: Dead


class Intake:
    """Documents received and not begun: in line, or waiting for the time their retry topic set."""

    def __init__(self, policy: FlowPolicy, partitions: Partitions) -> None:
        self._policy = policy
        self._partitions = partitions
        self._line: deque[Unit] = deque()
        self._later: list[tuple[float, int, Unit]] = []
        self._received = 0

    def __len__(self) -> int:
        """Documents in line. Those whose time has not come hold nobody back but their own partition."""
        return len(self._line)

    def receive(self, record: Record, now: float) -> Iterable[Command | Refusal]:
        """Raises `Environment` for a record no release of ours up to this one can read: its offset stays open."""
        tracker = self._partitions.tracker(record.partition)
        if tracker is None or tracker.is_settled(record.offset):
            return
        try:
            retry = read_retry(record.headers) if record.partition.topic in self._policy.retry_topics else None
            entries = read_event(record.value, record.headers).documents
        except UnknownSchemaVersion as error:
            tracker.track(record.offset, 1, record.leader_epoch)
            raise Environment(_unknown_version(record), code="unknown_schema_version", stage="event") from error
        except Malformed as error:
            retry = None
            entries = (Refused(0, "invalid_event", str(error)),)
        if retry is not None:
            entries = tuple(e for e in entries if e.index == retry.origin.index) or (_unnamed(retry.origin.index),)
        done = tracker.track(record.offset, len(entries), record.leader_epoch)
        if tracker.is_settled(record.offset):
            self._partitions.changed(record.partition)
        for place, entry in enumerate(entries):
            if place not in done:
                yield from self._entry(record, place, entry, retry, tracker, now)

    def begin(self, in_flight: Collection[UnitId], now: float) -> Iterable[Command | Refusal | Unit]:
        """Take documents into work, first come first served, as far as there is room. Yields each `Unit` begun."""
        while self._later and self._later[0][0] <= now:
            unit = heapq.heappop(self._later)[2]
            self._line.append(unit)
            yield Accept(unit)
        begun = len(in_flight)
        if not self._line or begun >= self._policy.max_documents:
            return
        alone = any(self._is_suspect(unit) for unit in in_flight)
        while self._line and begun < self._policy.max_documents and not alone:
            suspect = self._is_suspect(self._line[0].id)
            if suspect and begun:
                return
            unit = self._line.popleft()
            tracker = self._partitions.owner(unit.id)
            if tracker is None:
                continue
            if tracker.starts(unit.id.offset, unit.id.index) >= self._policy.max_starts:
                yield Refusal(Dead(unit, Rejected(KILLED, code="worker_killed", stage="process"), unit.attempt - 1))
                continue
            tracker.start(unit.id.offset, unit.id.index)
            alone = suspect
            begun += 1
            yield unit

    def held_back(self, now: float) -> set[Partition]:
        """Partitions of retry topics whose next document is not due: no use reading on."""
        return {unit.id.partition for at, _, unit in self._later if at > now}

    def due(self) -> float | None:
        return self._later[0][0] if self._later else None

    def drop(self, partitions: Collection[Partition]) -> list[UnitId]:
        """Returns those that had been accepted."""
        gone = [unit for unit in self._line if unit.id.partition in partitions]
        self._line = deque(u for u in self._line if u.id.partition not in partitions)
        self._later = [entry for entry in self._later if entry[2].id.partition not in partitions]
        heapq.heapify(self._later)
        return [unit.id for unit in gone]

    def drop_all(self) -> list[UnitId]:
        return self.drop({u.id.partition for u in [*self._line, *(u for _, _, u in self._later)]})

    def _entry(
        self, record: Record, place: int, entry: Entry, retry: RetryState | None, tracker: OffsetTracker, now: float
    ) -> Iterable[Command | Refusal]:
        unit = self._unit(record, place, entry, retry, tracker)
        refused: PagestreamError | None = None
        match entry:
            case NoDocument(reason=reason):
                yield from self._pass_over(unit, reason, tracker)
                return
            case Refused(code=code, message=message):
                refused = Rejected(message, code=code, stage="event")
            case Submitted(event=event):
                try:
                    outside = self._policy.allow.check(event.bucket, event.key)
                except Rejected as error:
                    refused = error
                else:
                    if outside is not None:
                        yield from self._pass_over(unit, outside, tracker)
                        return
        if refused is not None:
            yield Accept(unit)
            yield Refusal(Dead(unit, refused, unit.attempt - 1))
        elif retry is not None and retry.not_before_ms / 1000 > now:
            self._received += 1
            heapq.heappush(self._later, (retry.not_before_ms / 1000, self._received, unit))
        else:
            self._line.append(unit)
            yield Accept(unit)

    def _pass_over(self, unit: Unit, reason: str, tracker: OffsetTracker) -> Iterable[Command]:
        tracker.pass_over(unit.id.offset, unit.id.index)
        self._partitions.changed(unit.id.partition)
        yield Ignore(reason)

    def _unit(self, record: Record, place: int, entry: Entry, retry: RetryState | None, tracker: OffsetTracker) -> Unit:
        partition = record.partition
        own = Origin(partition.topic, partition.number, record.offset, entry.index, record.timestamp_ms)
        starts = tracker.starts(record.offset, place)
        return Unit(
            id=UnitId(partition, record.offset, place, self._partitions.epoch(partition)),
            record=record,
            origin=retry.origin if retry is not None else own,
            attempt=(retry.attempt if retry is not None else 0) + 1 + starts,
            event=entry.event if isinstance(entry, Submitted) else None,
        )

    def _is_suspect(self, unit: UnitId) -> bool:
        tracker = self._partitions.owner(unit)
        starts = tracker.starts(unit.offset, unit.index) if tracker is not None else 0
        return starts >= self._policy.max_starts - 1


def _unnamed(index: int) -> Refused:
    message = "The record does not name the document that this retry is about; send the first record again."
    return Refused(index, "invalid_event", message)


def _unknown_version(record: Record) -> str:
    where = f"{record.partition.topic}/{record.partition.number}/{record.offset}"
    return (
        f"The event at {where} has a schema version this release does not read: upgrade. "
        "If no release can read it, move the group past it with Kafka's kafka-consumer-groups."
    )
