"""Plays a worker: the real `Flow` decides, and everything around it takes the time that a model says.

Time passes in the loop (it is busy while it decides and while it publishes) and in what it waits for. Everything that
serves (threads, decoders, lanes) is first come, first served, so the end of a task is known when it is given.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

import orjson

from infra.simulation.arrivals import Document, Page
from infra.simulation.contenders import Contender
from infra.simulation.device import Device, Piece, work
from pipeline.app import LOADING_AHEAD, PUBLISH_INTERVAL_S
from pipeline.core.allow import AllowList
from pipeline.core.batching import Closed
from pipeline.core.breaker import BreakerPolicy
from pipeline.core.events import (
    Assigned,
    BatchDone,
    Command,
    Commit,
    Detected,
    Event,
    Fetch,
    Fetched,
    Item,
    LaneReady,
    Open,
    Opened,
    Pause,
    Publish,
    Published,
    Received,
    Render,
    Rendered,
    Resume,
    RunBatch,
    Stage,
    Store,
    Stored,
    Tick,
)
from pipeline.core.flow import Flow
from pipeline.core.policy import FlowPolicy
from pipeline.core.retry import Backoff, RetryPolicy
from schemas.record import Partition, Position, Record

DECIDE_S = 0.1e-3
"""What the loop takes for an event: about what `Flow.handle` and a command's hand-over take on one core."""

COMMIT_S = 5e-3
"""A plain commit, during which the loop hears nothing: assumed."""

FETCH_S, OPEN_S, STORE_S, STORE_THREADS = 10e-3, 2e-3, 10e-3, 4
"""An object from the store, opening it, a result into the store: assumed. Threads are the settings' default."""

POLL_RECORDS, BUSY_WAIT_S = 100, 0.02
"""As the runner has them."""

SOURCE = Partition("documents", 0)


@dataclass(frozen=True, slots=True)
class Batch:
    """One that ran. `own` and `padded` are pixels or columns, without and with padding; waits are of its items."""

    stage: Stage
    lane: int
    items: int
    rows: int
    own: int
    padded: int
    closed: Closed
    started: float
    ended: float
    waits: tuple[float, ...]
    device_s: float


@dataclass(slots=True)
class Run:
    """What happened. `left[n]`: when document n was published. `waiting`: at which time how many items waited."""

    documents: tuple[Document, ...]
    lanes: int
    left: dict[int, float] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    waiting: list[tuple[float, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Setup:
    """`publish_s`: a transaction, during which the loop hears nothing; 40 to 84 a second were measured with a broker
    on the same machine. `max_documents`: the setting of that name."""

    max_documents: int = 64
    publish_s: float = 20e-3


class Servers:
    """So many that serve first come, first served."""

    def __init__(self, count: int) -> None:
        self._free = [(0.0, number) for number in range(count)]

    def start(self, now: float) -> tuple[float, int]:
        """When the next task given at `now` begins, and who does it. Its end is to be told."""
        free, number = heapq.heappop(self._free)
        return max(now, free), number

    def end(self, at: float, number: int) -> float:
        heapq.heappush(self._free, (at, number))
        return at

    def serve(self, now: float, seconds: float) -> float:
        started, number = self.start(now)
        return self.end(started + seconds, number)


class Simulation:
    def __init__(self, documents: Sequence[Document], contender: Contender, device: Device, setup: Setup) -> None:
        policy = flow_policy(contender, device, setup)
        self._publish_s = setup.publish_s
        self._documents = tuple(documents)
        self._contender = contender
        self._device = device
        self._reading = contender.build(policy)
        self._flow = Flow(policy, reading=self._reading)
        self._inbox: list[tuple[float, int, Event]] = []
        self._fetchers, self._storers = Servers(STORE_THREADS), Servers(STORE_THREADS)
        self._lanes, self._card = Servers(device.lanes), 0.0
        self._opened: dict[int, Document] = {}
        self._told = 0
        self._read = 0
        self._paused = False
        self._now = 0.0
        self._run = Run(self._documents, device.lanes)

    def run(self) -> Run:
        """Until every document is published. Raises RuntimeError when nothing can happen before that."""
        for lane in range(self._device.lanes):
            self._tell(LaneReady(lane))
        self._tell(Assigned({SOURCE: Position(0)}))
        while len(self._run.left) < len(self._documents):
            self._now = max(self._now, self._next())
            while self._inbox and self._inbox[0][0] <= self._now:
                self._tell(heapq.heappop(self._inbox)[2])
            if records := self._arrived():
                self._tell(Received(records))
            self._tell(Tick({SOURCE: self._read}))
            self._run.waiting.append((self._now, self._reading.waiting))
        return self._run

    def _next(self) -> float:
        times = [self._inbox[0][0]] if self._inbox else []
        if (due := self._flow.due()) is not None:
            times.append(due)
        if not self._paused and self._read < len(self._documents):
            at = self._documents[self._read].at
            times.append(max(at, self._now + BUSY_WAIT_S) if self._flow.busy else at)
        if not times:
            raise RuntimeError("The simulated worker waits for nothing; its flow has lost a document.")
        return min(times)

    def _arrived(self) -> tuple[Record, ...]:
        first = self._read
        while not self._paused and self._read < min(len(self._documents), first + POLL_RECORDS):
            if self._documents[self._read].at > self._now:
                break
            self._read += 1
        return tuple(Record(SOURCE, offset, None, _event(offset)) for offset in range(first, self._read))

    def _tell(self, event: Event) -> None:
        self._now += DECIDE_S
        for command in self._flow.handle(event, self._now):
            self._do(command)

    def _answer(self, at: float, event: Event) -> None:
        self._told += 1
        heapq.heappush(self._inbox, (at, self._told, event))

    def _do(self, command: Command) -> None:
        match command:
            case Fetch(unit):
                self._answer(self._fetchers.serve(self._now, FETCH_S), Fetched(unit.id, None))
            case Open(decoder, unit):
                document = self._documents[unit.id.offset]
                self._opened[decoder] = document
                self._answer(self._now + OPEN_S, Opened(decoder, tuple(page.size for page in document.pages)))
            case Render(decoder, number):
                page = self._opened[decoder].pages[number - 1]
                part = self._contender.page_part(page)
                self._answer(self._now + page.decode_s, Rendered(decoder, number, part, None, page.size))
            case RunBatch():
                self._run_batch(command)
            case Store(outcome):
                self._answer(self._storers.serve(self._now, STORE_S), Stored(outcome.unit.id, ()))
            case Publish():
                self._publish(command)
            case Commit():
                self._now += COMMIT_S
            case Pause():
                self._paused = True
            case Resume():
                self._paused = False
            case _:
                pass

    def _publish(self, publish: Publish) -> None:
        self._now += self._publish_s
        for outcome in publish.outcomes:
            self._run.left[outcome.unit.id.offset] = self._now
        self._tell(Published(publish.round))

    def _run_batch(self, run: RunBatch) -> None:
        pieces = [_payload(item)[0] for item in run.items]
        contender = self._contender
        rows = contender.rows(run.stage, max(piece.padded for piece in pieces))
        done = work(self._device.prices[run.stage], pieces, contender.tensor, rows)
        started, lane = self._lanes.start(self._now)
        begun = started + done.before_s
        if self._device.card == "shared":
            begun = max(begun, self._card)
            self._card = begun + done.device_s
        ended = self._lanes.end(begun + done.device_s + done.after_s, lane)
        waits = tuple(started - item.queued_at for item in run.items)
        self._run.batches.append(
            Batch(
                stage=run.stage,
                lane=lane,
                items=len(pieces),
                rows=done.rows,
                own=sum(piece.own for piece in pieces),
                padded=done.padded,
                closed=run.closed,
                started=started,
                ended=ended,
                waits=waits,
                device_s=done.device_s,
            )
        )
        results = tuple(self._results(run))
        self._answer(ended, BatchDone(run.batch, results, run.stage, started, ended))

    def _results(self, run: RunBatch) -> Iterable[object]:
        for item in run.items:
            _, page = _payload(item)
            owner = (item.unit, item.page)
            yield "line" if page is None else Detected(self._contender.line_parts(page.lines, owner), None)


def flow_policy(contender: Contender, device: Device, setup: Setup) -> FlowPolicy:
    """The settings' defaults, as far as they matter here."""
    return FlowPolicy(
        allow=AllowList(frozenset({"scans"})),
        batches=contender.batches,
        retry=RetryPolicy((10,)),
        environment=Backoff(first_s=0.5, longest_s=10.0, tries=6),
        breaker=BreakerPolicy(200, 0.9, 1_000),
        lanes=device.lanes,
        decoders=device.decoders,
        retry_topics=frozenset(),
        max_documents=setup.max_documents,
        max_loading=device.decoders + LOADING_AHEAD,
        batch_deadline_s=1e9,
        publish_interval_s=PUBLISH_INTERVAL_S,
    )


def _payload(item: Item) -> tuple[Piece, Page | None]:
    """As a contender made it."""
    return cast("tuple[Piece, Page | None]", item.part.payload)


def simulate(documents: Sequence[Document], contender: Contender, device: Device, setup: Setup | None = None) -> Run:
    return Simulation(documents, contender, device, setup or Setup()).run()


def _event(number: int) -> bytes:
    return orjson.dumps({"schema_version": "1.0", "bucket": "scans", "key": f"{number}.png"})
