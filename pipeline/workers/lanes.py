"""Engines at work: one thread a lane, each with an engine of its own, all taking from one queue.

A lane reads its known page before its first batch, again when `every_s` have passed, between two batches or while it
has none, and after every batch that failed: a device that has gone bad fails quickly, and would take all there is. An
engine that does not read it is ended, and its lane takes nothing any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any

from opentelemetry.trace import Link

from pipeline.clock import Clock
from pipeline.core.events import (
    BatchDone,
    BatchFailed,
    Event,
    LaneFailed,
    LaneLooks,
    LaneReady,
    RunBatch,
    Stage,
    UnitId,
)
from pipeline.engines.base import Engine
from pipeline.engines.known_answer import KnownPage, require_known_answer
from pipeline.errors import Fatal
from pipeline.stages.detect import detect
from pipeline.stages.recognise import recognise
from pipeline.stages.tables import tables
from pipeline.telemetry.journey import WAITS, Journeys, fail, nanoseconds
from pipeline.workers.inbox import Inbox, answer, foreseen

log = logging.getLogger(__name__)

STAGES: dict[Stage, Callable[[Engine, Sequence[Any]], Sequence[object]]] = {
    "detect": detect,
    "recognise": recognise,
    "tables": tables,
}


class Lanes:
    """Any free lane takes the next batch: none is idle while one has two."""

    def __init__(
        self,
        engines: Sequence[Engine],
        *,
        known: KnownPage,
        every_s: float,
        inbox: Inbox,
        journeys: Journeys,
        clock: Clock,
    ) -> None:
        self._known = known
        self._every_s = every_s
        self._batches: SimpleQueue[RunBatch | None] = SimpleQueue()
        self._inbox = inbox
        self._journeys = journeys
        self._clock = clock
        self._threads = [
            Thread(target=self._serve, args=(number, engine), name=f"lane-{number}", daemon=True)
            for number, engine in enumerate(engines)
        ]
        for thread in self._threads:
            thread.start()

    def __len__(self) -> int:
        """How many there are, at work or not."""
        return len(self._threads)

    def run(self, batch: RunBatch) -> None:
        self._batches.put(batch)

    def close(self, timeout_s: float) -> None:
        """Each lane ends after the batch it is at; those that hang are left to the end of the process."""
        until = monotonic() + timeout_s
        self._abandon()
        for _ in self._threads:
            self._batches.put(None)
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))

    def _abandon(self) -> None:
        """Nobody waits any more for what no lane has begun."""
        try:
            while True:
                self._batches.get_nowait()
        except Empty:
            return

    def _serve(self, lane: int, engine: Engine) -> None:
        while self._reads(lane, engine) and self._work(engine):
            pass
        engine.close()

    def _reads(self, lane: int, engine: Engine) -> bool:
        """Whether the engine reads its known page; told either way."""
        self._inbox.put(LaneLooks(lane))
        try:
            require_known_answer(engine, self._known)
        except Fatal as error:
            cause = type(error.__cause__).__name__ if error.__cause__ is not None else "what it reads is wrong"
            log.error("lane %d takes no more work: %s (%s)", lane, error.code, cause)
            self._inbox.put(LaneFailed(lane, error))
            return False
        self._inbox.put(LaneReady(lane))
        return True

    def _work(self, engine: Engine) -> bool:
        """Batches until the engine is to be looked at again; false when there will be none any more."""
        until = self._clock() + self._every_s
        while (left_s := until - self._clock()) > 0:
            try:
                batch = self._batches.get(timeout=left_s)
            except Empty:
                return True
            if batch is None:
                return False
            told = answer(
                self._inbox,
                lambda batch=batch: self._run(engine, batch),  # type: ignore[misc]
                lambda error, batch=batch: BatchFailed(batch.batch, error),  # type: ignore[misc]
                batch.stage,
            )
            if isinstance(told, BatchFailed):
                return True
        return True

    def _run(self, engine: Engine, batch: RunBatch) -> Event:
        units = [item.unit for item in batch.items]
        started = self._clock()
        with self._journeys.batch(batch.stage, units, batch.closed, started) as (span, link):
            try:
                results = STAGES[batch.stage](engine, [item.part.payload for item in batch.items])
            except Exception as error:
                failure = foreseen(error, batch.stage)  # here, so that it is logged once
                fail(span, failure)
                raise failure from error
            finally:
                ended = self._clock()
                span.end(nanoseconds(ended))
                self._tell(batch, units, started, ended, link)
        return BatchDone(batch.batch, tuple(results), batch.stage, started, ended)

    def _tell(self, batch: RunBatch, units: list[UnitId], started: float, ended: float, link: Link) -> None:
        for item in batch.items:
            self._journeys.worked(item.unit, WAITS[batch.stage], item.queued_at, started)
        for unit in dict.fromkeys(units):
            self._journeys.worked(unit, batch.stage, started, ended, link)
