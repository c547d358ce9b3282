"""One page through an engine from end to end: found, cut out, read. Nothing around it: no queues, no batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pipeline.ocr.agreement import ReadLine, ReadPage
from pipeline.ocr.geometry import crop

from .base import Image, Reading, Regions


class Reads(Protocol):
    """The two calls of an `Engine` that are needed."""

    def detect(self, pages: Sequence[Image]) -> list[Regions]: ...

    def recognise(self, crops: Sequence[Image]) -> list[Reading]: ...


def read_page(engine: Reads, page: Image) -> tuple[ReadPage, list[Image]]:
    """The lines with text in them, in the detector's order, and the crop of each. Runs on the engine's own thread."""
    (regions,) = engine.detect([page])
    crops = [crop(page, polygon) for polygon in regions.polygons]
    readings = engine.recognise(crops) if crops else []
    kept = [
        (ReadLine(reading.text, polygon, reading.mean_probability), piece)
        for reading, polygon, piece in zip(readings, regions.polygons, crops, strict=True)
        if reading.text.strip()
    ]
    return ReadPage(page.shape[1], page.shape[0], tuple(line for line, _ in kept)), [piece for _, piece in kept]
