"""Pages to parts: which way up they are, where text lies, and where tables do; cut out piece by piece."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.core.events import Detected, Part
from pipeline.engines.base import Engine, Image, Polygons, Regions
from pipeline.ocr.blocks import table_regions
from pipeline.ocr.geometry import crop, sizes
from pipeline.ocr.orientation import Rotation, turned
from pipeline.stages.parts import Crop, Found, Page, TableCut

PROOFS = 6
"""Lines read to tell whether a page reads better turned: enough for one bad one not to decide."""

MARGIN = 0.05
"""Of a table's longer side, left around its text: what lies there is the network's to look at or to cut off."""


def page_part(engine: Engine, page: Page) -> Part:
    """A decoded page as the detector's work."""
    bucket = engine.page_bucket(page.image.shape[0], page.image.shape[1])
    return Part("detect", bucket.key, bucket.cost, page)


def detect(engine: Engine, pages: Sequence[Page]) -> list[Detected]:
    """Lines first, in the detector's order, then tables. Runs on the engine's own thread."""
    upright = [_upright(engine, page.image, found, turn.rotation) for page, found, turn in _seen(engine, pages)]
    layouts = iter(engine.lay_out([image for page, (image, _, _) in zip(pages, upright, strict=True) if page.tables]))
    return [
        _detected(engine, image, text, Found(rotation, next(layouts) if page.tables else None))
        for page, (image, text, rotation) in zip(pages, upright, strict=True)
    ]


def _seen(engine: Engine, pages: Sequence[Page]):  # type: ignore[no-untyped-def]
    images = [page.image for page in pages]
    return zip(pages, engine.detect(images), engine.orient(images), strict=True)


def _upright(engine: Engine, image: Image, text: Regions, rotation: Rotation) -> tuple[Image, Regions, Rotation]:
    """The page turned where that is said to make it upright and its lines read better for it. A page is turned on
    proof only: one that was upright and is turned is lost."""
    if not rotation:
        return image, text, 0
    other = turned(image, rotation)
    (found,) = engine.detect([other])
    if _legible(engine, other, found.polygons) > _legible(engine, image, text.polygons):
        return other, found, rotation
    return image, text, 0


def _legible(engine: Engine, image: Image, polygons: Polygons) -> float:
    """Mean confidence of the largest lines, by their characters; 0 where there are none."""
    largest = np.argsort(-sizes(polygons).prod(axis=1), kind="stable")[:PROOFS]
    readings = engine.recognise([crop(image, polygons[place]) for place in largest]) if len(largest) else []
    signs = sum(len(reading.text) for reading in readings)
    return sum(reading.confidence * len(reading.text) for reading in readings) / signs if signs else 0.0


def _detected(engine: Engine, image: Image, text: Regions, found: Found) -> Detected:
    lines = tuple(_crop_part(engine, Crop(crop(image, polygon), polygon)) for polygon in text.polygons)
    tables = table_regions(found.regions or (), text.polygons)
    return Detected(lines + tuple(_table_part(engine, _cut(image, region, text.polygons)) for region in tables), found)


def _crop_part(engine: Engine, piece: Crop) -> Part:
    bucket = engine.crop_bucket(piece.image.shape[0], piece.image.shape[1])
    return Part("recognise", bucket.key, bucket.cost, piece)


def _table_part(engine: Engine, cut: TableCut) -> Part:
    bucket = engine.table_bucket(cut.crop.image.shape[0], cut.crop.image.shape[1])
    return Part("tables", bucket.key, bucket.cost, cut)
