"""Laws of the lanes' threads: an engine shows that it reads before it works, and again now and then."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event as Gate

import pytest
from opentelemetry.trace import NoOpTracer

from pipeline.clock import steady_clock
from pipeline.core.events import (
    BatchDone,
    BatchFailed,
    Event,
    Item,
    LaneFailed,
    LaneLooks,
    LaneReady,
    Part,
    RunBatch,
    UnitId,
)
from pipeline.engines.base import Engine, EngineSettings, Image, Regions, load
from pipeline.engines.fake import FakeEngine, Fault, draw_page, mark
from pipeline.engines.known_answer import LINES, KnownPage, draw_known_page, require_known_answer, share_read
from pipeline.errors import Fatal, Retryable
from pipeline.stages.parts import Page
from pipeline.telemetry.journey import Journeys
from pipeline.workers.inbox import Inbox
from pipeline.workers.lanes import Lanes
from schemas.record import Partition

PATIENCE_S = 20.0
NEVER_S = 1_000.0
KNOWN = KnownPage(draw_page(LINES))
UNIT = UnitId(Partition("documents", 0), 0, 0, 1)


@dataclass
class Heard:
    """What the lanes have said so far."""

    lanes: Lanes
    inbox: Inbox
    events: list[Event] = field(default_factory=list)

    def until(self, condition: Callable[[list[Event]], bool]) -> list[Event]:
        clock = steady_clock()
        deadline = clock() + PATIENCE_S
        while not condition(self.events):
            assert clock() < deadline, self.events
            self.events += self.inbox.take(0.1)
        return self.events

    def batches(self, count: int, image: Image = KNOWN.image) -> None:
        for number in range(count):
            page = Part("detect", "page", 1, Page(image, tables=True))
            self.lanes.run(RunBatch(number, "detect", (Item(UNIT, number, 0, page, 0.0),), "full"))


@contextmanager
def lanes_of(engines: Sequence[Engine], *, every_s: float = NEVER_S) -> Iterator[Heard]:
    inbox = Inbox()
    journeys = Journeys(NoOpTracer(), group="g")
    lanes = Lanes(engines, known=KNOWN, every_s=every_s, inbox=inbox, journeys=journeys, clock=steady_clock())
    try:
        yield Heard(lanes, inbox)
    finally:
        lanes.close(PATIENCE_S)


def count(events: list[Event], kind: type[Event]) -> int:
    return sum(isinstance(event, kind) for event in events)


def test_a_lane_reads_before_it_works() -> None:
    """The first that is heard of a lane is that it looks at its page, the second that it reads it, then its batches."""
    with lanes_of([FakeEngine()]) as heard:
        heard.batches(1)
        events = heard.until(lambda events: len(events) >= 3)
    assert [type(event) for event in events] == [LaneLooks, LaneReady, BatchDone]


@pytest.mark.parametrize("fault", [Fault.GARBAGE, Fault.SHORT, Fault.DEFECT, Fault.RETRYABLE, Fault.REJECTED])
def test_a_lane_that_does_not_read_takes_no_batch(fault: Fault) -> None:
    """Whatever is wrong with the one engine, its lane says so once, and every batch is run by the other."""
    with lanes_of([FakeEngine(always=fault), FakeEngine()]) as heard:
        heard.batches(20)
        events = heard.until(lambda events: count(events, BatchDone) == 20 and count(events, LaneFailed) == 1)
    [failed] = [event for event in events if isinstance(event, LaneFailed)]
    assert (failed.lane, failed.error.code) == (0, "known_answer_failed")
    assert [event.lane for event in events if isinstance(event, LaneReady)] == [1]


def test_an_engines_own_reason_is_kept() -> None:
    """A device that says itself why it is beyond help is quoted."""
    with lanes_of([FakeEngine(always=Fault.FATAL)]) as heard:
        [_, failed] = heard.until(lambda events: len(events) >= 2)
    assert isinstance(failed, LaneFailed)
    assert failed.error.code == "fake_fatal"


def test_an_idle_lane_looks_again() -> None:
    """A lane without work reads its page again each time the interval has passed."""
    with lanes_of([FakeEngine()], every_s=0.02) as heard:
        events = heard.until(lambda events: count(events, LaneReady) >= 4)
    assert [type(event) for event in events[:8]] == [LaneLooks, LaneReady] * 4


def test_a_busy_lane_looks_again_between_two_batches() -> None:
    """Work in line does not keep a lane from its page, and none is lost over it."""
    with lanes_of([FakeEngine()], every_s=0.001) as heard:
        heard.batches(50)
        events = heard.until(lambda events: count(events, BatchDone) == 50)
    kinds = [type(event) for event in events]
    assert kinds[kinds.index(BatchDone) :].count(LaneReady) >= 1
    assert all(b is not BatchDone for a, b in itertools.pairwise(kinds) if a is LaneLooks)


def test_an_engine_that_went_bad_is_found_out() -> None:
    """A lane that read its page once and does not any more fails, and leaves what is in line to the other."""
    bad = FakeEngine()
    with lanes_of([bad, FakeEngine()], every_s=0.02) as heard:
        heard.until(lambda events: count(events, LaneReady) >= 2)
        bad.broken.set()
        heard.until(lambda events: count(events, LaneFailed) == 1)
        heard.batches(10)
        heard.until(lambda events: count(events, BatchDone) == 10)


def test_a_failed_batch_sends_its_lane_to_its_page() -> None:
    """A document may be the cause or the device: the lane takes the next batch once it has shown that it reads."""
    with lanes_of([FakeEngine()]) as heard:
        heard.batches(1, draw_page([mark(Fault.RETRYABLE)]))
        heard.batches(1)
        events = heard.until(lambda events: count(events, BatchDone) == 1)
    assert [type(event) for event in events] == [LaneLooks, LaneReady, BatchFailed, LaneLooks, LaneReady, BatchDone]


def test_a_device_that_fails_quickly_does_not_take_all_there_is() -> None:
    """One batch fails by it, however many are in line and however far off its next look would be."""

    class Gone(FakeEngine):
        def detect(self, pages: Sequence[Image], shares: Sequence[float] | None = None) -> list[Regions]:
            if self.broken.is_set():
                raise Retryable("The device is gone.", code="engine_failed", stage="engine")
            return FakeEngine.detect(self, pages, shares)

    engine = Gone()
    with lanes_of([engine]) as heard:
        heard.until(lambda events: count(events, LaneReady) == 1)
        engine.broken.set()
        heard.batches(10)
        heard.until(lambda events: count(events, LaneFailed) == 1)
    assert count(heard.events + heard.inbox.take(0.0), BatchFailed) == 1


def test_what_no_lane_has_begun_is_left_at_the_end() -> None:
    """A lane that is told to end finishes the batch it is at and takes none of those in line."""
    engine = FakeEngine()
    with lanes_of([engine]) as heard:
        heard.until(lambda events: count(events, LaneReady) == 1)
        heard.batches(1, draw_page([mark(Fault.WAIT)]))
        heard.batches(5)
        heard.until(lambda events: heard.lanes._batches.qsize() == 5)
        heard.lanes.close(0.0)
        engine.gate.set()
        events = heard.until(lambda events: count(events, BatchDone) == 1)
    assert count(events + heard.inbox.take(0.0), BatchDone) == 1


@dataclass
class Closing:
    """An engine that tells when it is ended."""

    engine: FakeEngine
    closed: Gate = field(default_factory=Gate)

    def __getattr__(self, name: str) -> object:
        return getattr(self.engine, name)

    def close(self) -> None:
        self.closed.set()


@pytest.mark.parametrize("always", [None, Fault.GARBAGE])
def test_a_lanes_engine_ends_with_it(always: Fault | None) -> None:
    """Whether it failed or was told to end, a lane ends its engine."""
    engine = Closing(FakeEngine(always=always))
    with lanes_of([engine]) as heard:  # type: ignore[list-item]
        heard.until(lambda events: len(events) >= 2)
    assert engine.closed.wait(PATIENCE_S)


def test_regions_in_any_order_are_read_from_the_top() -> None:
    """The answer does not hang on the order in which an engine reports its lines."""

    class Reversed(FakeEngine):
        def detect(self, pages: Sequence[Image], shares: Sequence[float] | None = None) -> list[Regions]:
            return [Regions(r.polygons[::-1], r.scores[::-1]) for r in FakeEngine.detect(self, pages, shares)]

    assert share_read(Reversed(), KNOWN) == 1.0


def test_an_engine_that_finds_nothing_is_not_an_engine_that_reads() -> None:
    """An empty answer without an error, as broken devices give it, fails the page."""
    blank = replace(KNOWN, image=KNOWN.image * 0 + 255)
    with pytest.raises(Fatal) as failed:
        require_known_answer(FakeEngine(), blank)
    assert failed.value.code == "known_answer_failed"


def test_the_drawn_page_is_small() -> None:
    """A worker that starts waits for it: it is smaller than a tenth of the detector's 960 x 960 pixels."""
    page = draw_known_page().image
    assert page.shape[2] == 3
    assert page.size / 3 < 960 * 960 / 10


@pytest.mark.models
def test_the_models_read_the_drawn_page(models_directory: Path) -> None:
    """The models that are fetched by default read it without a mistake: a failure is never the page's fault."""
    [engine] = load("onnx", EngineSettings(models=models_directory))
    assert share_read(engine, draw_known_page()) == 1.0
    engine.close()
