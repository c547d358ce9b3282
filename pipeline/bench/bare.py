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
from pipeline.engines.base import Engine, Image
from pipeline.errors import PagestreamError
from pipeline.ocr.agreement import ReadLine, ReadPage
from pipeline.ocr.geometry import crop
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
        for image in self._images(hand, path.read_bytes()):
            yield _read(hand, engine, image)
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
    """What one thread did."""

    stages: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))
    readings: dict[str, tuple[ReadPage, ...]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def at(self, step: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.stages[step] += time.perf_counter() - began


def _read(hand: _Hand, engine: Engine, page: Image) -> ReadPage:
    with hand.at("detect"):
        (regions,) = engine.detect([page])
    with hand.at("crop"):
        crops = [crop(page, polygon) for polygon in regions.polygons]
    with hand.at("recognise"):
        answers = engine.recognise(crops)
    lines = (
        ReadLine(answer.text, polygon, answer.confidence)
        for answer, polygon in zip(answers, regions.polygons, strict=True)
        if answer.text.strip()
    )
    return ReadPage(page.shape[1], page.shape[0], tuple(lines))
