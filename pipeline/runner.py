"""The loop: hear what happened, ask the flow, do what it says. It has no opinions of its own.

One thread owns the broker (consumer and transactional producer) and the flow. Workers have threads of their own and
answer through the inbox. The group is joined once every lane has said whether it reads: an engine that does not must
not take partitions away from those that do. Order of an ending: begin nothing more, finish what is begun, publish it,
give the partitions back, leave.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.clock import Clock
from pipeline.core.events import (
    Accept,
    Assigned,
    CloseDocument,
    Command,
    Commit,
    Drain,
    Event,
    Exit,
    Fetch,
    Forget,
    Ignore,
    Lost,
    MemorySeen,
    Open,
    Pause,
    Publish,
    Received,
    Render,
    Resume,
    Revoked,
    RunBatch,
    Store,
    Tick,
)
from pipeline.core.flow import Flow
from pipeline.errors import Fatal, PagestreamError, Recycle
from pipeline.telemetry.journey import Journeys
from pipeline.telemetry.memory import Memory
from pipeline.telemetry.readiness import Readiness
from pipeline.workers.decoding import Decoders
from pipeline.workers.fetching import Fetcher
from pipeline.workers.inbox import Inbox
from pipeline.workers.lanes import Lanes
from pipeline.workers.publishing import Publisher
from pipeline.workers.storing import Storer
from schemas.record import OutRecord, Partition, Position, Record

log = logging.getLogger(__name__)

POLL_RECORDS = 100
BUSY_WAIT_S = 0.02
"""While work is in flight, how long the loop waits for an answer before it looks for new records."""

IDLE_WAIT_S = 0.5
"""While nothing is, how long it waits for a record: the longest a signal to stop goes unheard."""


class RebalanceListener(Protocol):
    def assigned(self, positions: Mapping[Partition, Position]) -> None: ...

    def revoked(self, partitions: Collection[Partition]) -> None: ...

    def lost(self, partitions: Collection[Partition]) -> None: ...


class Broker(Protocol):
    """Consumer and transactional producer, owned by one thread; the listener is called from inside poll and close."""

    def subscribe(self, topics: Sequence[str], listener: RebalanceListener) -> None: ...

    def poll(self, max_records: int, timeout_s: float) -> list[Record]: ...

    def position(self, partition: Partition) -> int | None: ...

    def pause(self, partitions: Collection[Partition]) -> None: ...

    def resume(self, partitions: Collection[Partition]) -> None: ...

    def commit(self, positions: Mapping[Partition, Position]) -> None: ...

    def publish(self, records: Sequence[OutRecord], positions: Mapping[Partition, Position]) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Workers:
    """Everyone who carries commands out."""

    fetcher: Fetcher
    decoders: Decoders
    lanes: Lanes
    storer: Storer
    publisher: Publisher

    def close(self, timeout_s: float) -> None:
        self.fetcher.close()
        self.lanes.close(timeout_s)
        self.storer.close()
        self.decoders.close(timeout_s)


class Runner:
    """`stop` asks for a drain; `watch` hears of every event, for progress displays and tests."""

    def __init__(
        self,
        flow: Flow,
        broker: Broker,
        workers: Workers,
        *,
        topics: Sequence[str],
        inbox: Inbox,
        journeys: Journeys,
        readiness: Readiness,
        memory: Memory,
        clock: Clock,
        drain_s: float,
        watch: Callable[[Event], None] | None = None,
    ) -> None:
        self._flow = flow
        self._broker = broker
        self._workers = workers
        self._topics = topics
        self._inbox = inbox
        self._journeys = journeys
        self._readiness = readiness
        self._memory = memory
        self._clock = clock
        self._drain_s = drain_s
        self._watch = watch
        self._stops = 0
        self._asked = False
        self._drain_until: float | None = None
        self._ours: set[Partition] = set()
        self._exit: Exit | None = None
        self.ignored: Counter[str] = Counter()
        self.commits_failed = 0

    def stop(self) -> None:
        """Ask for a drain, from any thread or a signal handler (so without a lock). Asked again, it ends at once."""
        self._stops += 1

    def run(self) -> PagestreamError | None:
        """Until drained. Returns why, unless it was asked to."""
        try:
            if self._is_fit():
                self._broker.subscribe(self._topics, self)
                while self._exit is None and not self._overdue():
                    self._turn()
        finally:
            try:
                self._broker.close()
            finally:
                self._readiness.unready("stopped")
                self._workers.close(timeout_s=1.0)
                if self.ignored:
                    log.info("records that named no document: %s", dict(self.ignored))
        return self._flow.reason

    def _is_fit(self) -> bool:
        """Hear every lane out before the group is joined. False where there is nothing to join it for."""
        while self._flow.starting and self._exit is None and not self._stops:
            self._hear(IDLE_WAIT_S)
            self._handle(Tick({}))
        if self._exit is None:
            self._look_at_memory()
        return self._exit is None and not self._stops

    # --- what the broker tells, from inside poll and close -------------------------------------------------------

    def assigned(self, positions: Mapping[Partition, Position]) -> None:
        log.info("assigned: %s", named(positions))
        self._ours |= positions.keys()
        self._handle(Assigned(positions))

    def revoked(self, partitions: Collection[Partition]) -> None:
        log.info("revoked: %s", named(partitions))
        self._handle(Revoked(partitions))
        self._ours -= set(partitions)

    def lost(self, partitions: Collection[Partition]) -> None:
        log.warning("lost: %s", named(partitions))
        self._handle(Lost(partitions))
        self._ours -= set(partitions)

    # --- one turn ------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        if self._stops and not self._asked:
            self._asked = True
            self._handle(Drain())
        self._look_at_memory()
        self._watch_the_drain()
        busy = self._flow.busy
        self._hear(BUSY_WAIT_S if busy else 0.0)
        try:
            records = self._broker.poll(POLL_RECORDS, 0.0 if busy else self._patience(IDLE_WAIT_S))
        except PagestreamError as error:
            self._handle(Drain(error))
            records = []
        if records:
            self._handle(Received(tuple(records)))
        self._handle(Tick(self._ends()))

    def _hear(self, longest_s: float) -> None:
        for event in self._inbox.take(self._patience(longest_s)):
            self._handle(event)

    def _look_at_memory(self) -> None:
        if (resident := self._memory.look()) is not None:
            self._handle(MemorySeen(resident))

    def _patience(self, longest_s: float) -> float:
        due = self._flow.due()
        return longest_s if due is None else min(max(due - self._clock(), 0.0), longest_s)

    def _ends(self) -> dict[Partition, int]:
        ends = ((partition, self._broker.position(partition)) for partition in self._ours)
        return {partition: end for partition, end in ends if end is not None}

    def _watch_the_drain(self) -> None:
        """A drain has a deadline from when it was asked for or something made it necessary. A process that is only to
        be replaced finishes what it has begun, each step within its own deadline: cut short again and again, a long
        document would never end."""
        if not self._flow.draining:
            return
        reason = self._flow.reason
        presses = not isinstance(reason, Recycle)
        if self._drain_until is None or (presses and self._drain_until == math.inf):
            self._drain_until = self._clock() + self._drain_s if presses else math.inf
            why = "as asked" if reason is None else reason.code
            within = f" within {self._drain_s:.0f} s" if presses else ""
            log.info("stopping (%s): %d documents to finish%s", why, len(self._journeys), within)

    def _overdue(self) -> bool:
        """Nothing waits any longer: asked twice, or the drain's deadline has passed."""
        late = self._stops > 1 or (self._drain_until is not None and self._clock() > self._drain_until)
        if late and self._exit is None:
            log.warning("stopped before all was finished; what is not will be read again")
        return late

    def _handle(self, event: Event) -> None:
        if self._watch is not None:
            self._watch(event)
        for command in self._flow.handle(event, self._clock()):
            self._execute(command)
        self._tell_readiness()

    def _tell_readiness(self) -> None:
        if self._flow.ready:
            self._readiness.ready(f"{len(self._workers.lanes)} lanes, topic {self._topics[0]}")
        elif self._flow.draining:
            self._readiness.unready("stopping")
        elif not self._flow.starting:
            self._readiness.unready("a lane does not read its known page")

    def _execute(self, command: Command) -> None:
        match command:
            case Accept(unit):
                self._journeys.begin(unit, self._clock())
            case Ignore(reason):
                self.ignored[reason] += 1
            case Commit(positions):
                self._commit(positions)
            case Pause(partitions):
                self._broker.pause(partitions)
            case Resume(partitions):
                self._broker.resume(partitions)
            case Fetch(unit):
                self._workers.fetcher.fetch(unit)
            case Open(decoder, unit, body):
                self._workers.decoders.open(decoder, unit, body)
            case Render(decoder, number):
                self._workers.decoders.render(decoder, number)
            case CloseDocument(decoder):
                self._workers.decoders.close_document(decoder)
            case RunBatch():
                self._workers.lanes.run(command)
            case Store(outcome):
                self._workers.storer.store(outcome)
            case Publish():
                self._handle(self._workers.publisher.publish(command))
            case Forget(unit_id):
                self._journeys.give_up(unit_id, self._clock())
            case Exit():
                self._exit = command

    def _commit(self, positions: Mapping[Partition, Position]) -> None:
        """A commit outside a transaction makes nothing final: what it did not tell, the next one does."""
        try:
            self._broker.commit(positions)
        except Fatal as error:
            self._handle(Drain(error))
        except PagestreamError as error:
            self.commits_failed += 1
            log.warning("a position could not be committed: %s", error.code)


def named(partitions: Collection[Partition]) -> str:
    return " ".join(f"{partition.topic}/{partition.number}" for partition in sorted(partitions))
