"""The bare stage: the same engines on as many threads, and nothing around them. No flow, no records, no bounds.

Each thread takes the next file, decodes it in this process, detects, crops and recognises. It is what a pipeline is
measured against: what it loses to this is what delivery costs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock

import numpy as np

from pipeline.app import decode_limits, load_engines
from pipeline.bench.side import Files, Pass, Tell
from pipeline.decode.child import open_document
from pipeline.decode.formats import Format, sniff
from pipeline.decode.limits import DecodeLimits
from pipeline.decode.protocol import Open
from pipeline.engines.base import Engine, Image, Reading, Regions
from pipeline.engines.whole_page import read_page
from pipeline.errors import PagestreamError
from pipeline.ocr.agreement import ReadPage
from pipeline.settings import Settings

STEPS = ("decode", "detect", "crop", "recognise")

_PDFIUM = Lock()
"""PDFium may be used by one thread of a process at a time."""


@dataclass(frozen=True, slots=True)
class BareKind:
    settings: Settings

    def load(self) -> BareSide:
        settings = self.settings
        return BareSide(load_engines(settings), decode_limits(settings), settings.decode.dpi)


@dataclass(frozen=True, slots=True)
class BareSide:
    engines: Sequence[Engine]
    limits: DecodeLimits
    dpi: int

    def run(self, files: Files, tell: Tell) -> Pass:
        queue: SimpleQueue[tuple[str, Path]] = SimpleQueue()
        for one in files.items():
            queue.put(one)
        began = time.perf_counter()
        with ThreadPoolExecutor(len(self.engines)) as threads:
            hands = list(threads.map(lambda engine: self._work(engine, queue, tell), self.engines))
        seconds = time.perf_counter() - began
        stages = {step: sum(hand.stages[step] for hand in hands) for step in STEPS}
        readings = {name: pages for hand in hands for name, pages in hand.readings.items()}
        return Pass(
            seconds=seconds,
            pages=sum(len(pages) for pages in readings.values()),
            lines=sum(len(page.lines) for pages in readings.values() for page in pages),
            stages=stages,
            busy_share=(stages["detect"] + stages["recognise"]) / (seconds * len(hands)),
            failed={name: code for hand in hands for name, code in hand.failed.items()},
            readings=readings,
        )

    def close(self) -> None:
        for engine in self.engines:
            engine.close()

    def _work(self, engine: Engine, queue: SimpleQueue[tuple[str, Path]], tell: Tell) -> _Hand:
        hand = _Hand()
        while True:
            try:
                name, path = queue.get_nowait()
            except Empty:
                return hand
            try:
                hand.readings[name] = tuple(self._pages(hand, engine, path, tell))
            except PagestreamError as error:
                hand.failed[name] = error.code

    def _pages(self, hand: _Hand, engine: Engine, path: Path, tell: Tell) -> Iterator[ReadPage]:
        timed = _Timed(engine, hand)
        for image in self._images(hand, path.read_bytes()):
            with hand.at("detect"):
                engine.orient([image])  # as in a pipeline, on pages that stand upright
            with hand.at("crop"):
                page, _ = read_page(timed, image)
            yield page
            tell(1)

    def _images(self, hand: _Hand, body: bytes) -> Iterator[Image]:
        guard = _PDFIUM if sniff(body) is Format.PDF else Lock()
        with hand.at("decode"), guard:
            _, document = open_document(Open(body, self.dpi), self.limits)
        try:
            for number in range(1, len(document.sizes) + 1):
                with hand.at("decode"), guard:
                    rendered = document.render(number)
                    header = rendered.header
                    pixels = np.frombuffer(rendered.pixels, np.uint8).reshape(header.height, header.width, 3)
                    image = pixels.copy()  # PDFium's own memory goes with its page
                yield image
        finally:
            with guard:
                document.close()


@dataclass(slots=True)
class _Hand:
    """What one thread did. A step within another has its time to itself: the outer one's clock stands still."""

    stages: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))
    readings: dict[str, tuple[ReadPage, ...]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    _step: str | None = None
    _since: float = 0.0

    @contextmanager
    def at(self, step: str) -> Iterator[None]:
        outer = self._step
        self._turn_to(step)
        try:
            yield
        finally:
            self._turn_to(outer)

    def _turn_to(self, step: str | None) -> None:
        now = time.perf_counter()
        if self._step is not None:
            self.stages[self._step] += now - self._since
        self._step, self._since = step, now


@dataclass(frozen=True, slots=True)
class _Timed:
    """An engine whose two steps are told to a hand; what is left of reading a page is cutting lines out."""

    engine: Engine
    hand: _Hand

    def detect(self, pages: Sequence[Image]) -> list[Regions]:
        with self.hand.at("detect"):
            return self.engine.detect(pages)

    def recognise(self, crops: Sequence[Image]) -> list[Reading]:
        with self.hand.at("recognise"):
            return self.engine.recognise(crops)
