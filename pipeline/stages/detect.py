"""Pages to parts: which way up they are, and where text lies; cut out line by line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.core.events import Detected, Part
from pipeline.engines.base import Engine, Image, Polygons, Regions
from pipeline.ocr.geometry import crop, sizes
from pipeline.ocr.orientation import Rotation, turned
from pipeline.stages.parts import Crop, Found, Page

PROOFS = 6
"""Lines read to tell whether a page reads worse turned: enough for one bad one not to decide."""

EQUAL = 0.02
"""Confidence of lines on their heads is lower by a multiple of this; that of the same lines cut anew, by less."""


def page_part(engine: Engine, page: Page) -> Part:
    """A decoded page as the detector's work."""
    bucket = engine.page_bucket(page.image.shape[0], page.image.shape[1])
    return Part("detect", bucket.key, bucket.cost, page)


def detect(engine: Engine, pages: Sequence[Page]) -> list[Detected]:
    """Lines in the detector's order. Runs on the engine's own thread."""
    images = [page.image for page in pages]
    seen = zip(images, engine.detect(images), engine.orient(images), strict=True)
    return [_detected(engine, *_upright(engine, image, text, turn.rotation)) for image, text, turn in seen]


def _upright(engine: Engine, image: Image, text: Regions, rotation: Rotation) -> tuple[Image, Regions, Rotation]:
    """The page turned where that is said to make it upright, unless its largest lines read worse for it: a page that
    was upright and is turned would be lost. Lines that run down the page are read either way."""
    if not rotation:
        return image, text, 0
    other = turned(image, rotation)
    (found,) = engine.detect([other])
    legible = _legible(engine, other, found.polygons)
    if legible and legible + EQUAL >= _legible(engine, image, text.polygons):
        return other, found, rotation
    return image, text, 0


def _legible(engine: Engine, image: Image, polygons: Polygons) -> float:
    """Mean confidence of the largest lines, over their characters; 0 where nothing is read."""
    largest = np.argsort(-sizes(polygons).prod(axis=1), kind="stable")[:PROOFS]
    readings = engine.recognise([crop(image, polygons[place]) for place in largest]) if len(largest) else []
    signs = sum(len(reading.text) for reading in readings)
    return sum(reading.confidence * len(reading.text) for reading in readings) / signs if signs else 0.0


def _detected(engine: Engine, image: Image, text: Regions, rotation: Rotation) -> Detected:
    lines = tuple(_crop_part(engine, Crop(crop(image, polygon), polygon)) for polygon in text.polygons)
    return Detected(lines, Found(rotation))


def _crop_part(engine: Engine, piece: Crop) -> Part:
    bucket = engine.crop_bucket(piece.image.shape[0], piece.image.shape[1])
    return Part("recognise", bucket.key, bucket.cost, piece)
