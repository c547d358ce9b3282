"""Pages to crops: where text lies, cut out line by line."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.events import Part
from pipeline.engines.base import Engine, Image
from pipeline.ocr.geometry import crop
from pipeline.stages.parts import Crop


def page_part(engine: Engine, image: Image) -> Part:
    """A decoded page as the detector's work. `image` is (h, w, 3) uint8 BGR."""
    bucket = engine.page_bucket(image.shape[0], image.shape[1])
    return Part(bucket.key, bucket.cost, image)


def detect(engine: Engine, pages: Sequence[Image]) -> list[tuple[Part, ...]]:
    """One tuple of crops a page, in the detector's order. Runs on the engine's own thread."""
    found = engine.detect(pages)
    return [
        tuple(_crop_part(engine, Crop(crop(page, polygon), polygon)) for polygon in regions.polygons)
        for page, regions in zip(pages, found, strict=True)
    ]


def _crop_part(engine: Engine, piece: Crop) -> Part:
    bucket = engine.crop_bucket(piece.image.shape[0], piece.image.shape[1])
    return Part(bucket.key, bucket.cost, piece)
