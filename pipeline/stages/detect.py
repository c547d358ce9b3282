"""Pages to parts: which way up they are, where text lies and where tables do; cut out piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.core.events import Detected, Part
from pipeline.engines.base import Engine, Image, Polygons, Regions, TableCrop
from pipeline.ocr.drawn_tables import DrawnTable, drawn_tables
from pipeline.ocr.geometry import crop, sizes
from pipeline.ocr.leaders import shortened
from pipeline.ocr.lone_marks import lone_marks
from pipeline.ocr.orientation import Rotation, Turn
from pipeline.ocr.regions import lines_in
from pipeline.ocr.ruled_page import RuledPage, ruled_page
from pipeline.ocr.table_regions import table_regions
from pipeline.stages.layers import without_stamps
from pipeline.stages.look import Look, look_at, look_closer
from pipeline.stages.parts import Crop, Found, Page, TableCut

PROOFS = 6
"""Lines read to tell whether a page reads worse turned: enough for one bad one not to decide."""

LEGIBLE = 0.6
"""Lines of a script that the models don't know are read with 0.26 to 0.53 of confidence whichever way they stand, in
Arabic, Thai and Japanese; of one they know, the right way up, with 0.9 and more (85 first pages, turned all ways)."""

NOISE = 0.15
"""Their confidences differ by up to 0.11 between a page and the same page turned, and say nothing by that."""

EQUAL = 0.02
"""Confidence of lines on their heads is lower by a multiple of this; that of the same lines cut anew, by less."""

ROOM, ROOM_PX = 0.03, 3
"""Left around the text of a table: as a share of its longer side, and in pixels (see `TableCrop`)."""


def page_part(engine: Engine, page: Page) -> Part:
    """A decoded page as the detector's work."""
    bucket = engine.page_bucket(page.image.shape[0], page.image.shape[1])
    return Part("detect", bucket.key, bucket.cost, page)


def detect(engine: Engine, pages: Sequence[Page]) -> list[Detected]:
    """Lines in the detector's order, then tables. Runs on the engine's own thread."""
    looks = [look_at(engine, page.image) for page in pages]
    images = [look.image for look in looks]
    found = engine.detect(images, [look.share for look in looks])
    turned_up = [_upright(engine, *seen) for seen in zip(looks, found, engine.orient(images), strict=True)]
    upright = [_without_stamps(engine, *page) for page in turned_up]
    layouts = iter(engine.lay_out([seen.look.image for page, seen in zip(pages, upright, strict=True) if page.tables]))
    return [
        _laid_out(engine, seen, replace(seen.found, regions=next(layouts)))
        if page.tables
        else Detected(_lines(engine, seen), seen.found)
        for page, seen in zip(pages, upright, strict=True)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """An upright page without its stamps, its lines cut at its rulings, and the lines of the stamps."""

    look: Look
    ruled: RuledPage
    stamps: tuple[Crop, ...]
    found: Found


def _without_stamps(engine: Engine, look: Look, text: Regions, rotation: Rotation) -> _Seen:
    seen, text, stamps = without_stamps(engine, look, text)
    found = Found(rotation, look.ink, stamped=stamps is not None)
    return _Seen(seen, ruled_page(seen.image, look_closer(engine, seen, text).polygons), stamps or (), found)


def _upright(engine: Engine, look: Look, text: Regions, turn: Turn) -> tuple[Look, Regions, Rotation]:
    """The page turned where that is said to make it upright, unless its largest lines read worse for it: a page that
    was upright and is turned would be lost. Lines that run down the page are read either way. Where neither way can be
    read, what is said must be sure, or the page read better turned by more than chance."""
    if not turn.rotation:
        return look, text, 0
    other = look.turned(turn.rotation)
    (found,) = engine.detect([other.image], [other.share])
    before, after = _legible(engine, look.image, text.polygons), _legible(engine, other.image, found.polygons)
    illegible = NOISE if turn.is_sure else -NOISE
    worse = EQUAL if max(before, after) >= LEGIBLE else illegible
    return (other, found, turn.rotation) if after and after + worse >= before else (look, text, 0)


def _legible(engine: Engine, image: Image, polygons: Polygons) -> float:
    """Mean probability of the largest lines, over their characters; 0 where nothing is read."""
    largest = np.argsort(-sizes(polygons).prod(axis=1), kind="stable")[:PROOFS]
    readings = engine.recognise([crop(image, polygons[place]) for place in largest]) if len(largest) else []
    signs = sum(len(reading.text) for reading in readings)
    return sum(reading.mean_probability * len(reading.text) for reading in readings) / signs if signs else 0.0


def _laid_out(engine: Engine, seen: _Seen, found: Found) -> Detected:
    """Tables follow from the lines that were detected: whether a mark is text, only reading it tells."""
    lines = seen.ruled.polygons
    tables = [
        _table_part(engine, seen.look.image, drawn, lines[lines_in(drawn.region, lines)])
        for drawn in drawn_tables(seen.ruled, table_regions(found.regions, lines), lines)
    ]
    return Detected((*_lines(engine, seen), *tables), found)


def _lines(engine: Engine, seen: _Seen) -> tuple[Part, ...]:
    look, lines = seen.look, seen.ruled.polygons
    marks = lone_marks(look.ink, lines)
    crops = seen.ruled.between_rulings(marks.crops)
    found = [Crop(shortened(crop(look.image, polygon)), polygon) for polygon in lines[~marks.instead]]
    alone = [
        Crop(crop(look.image, around), polygon, "dash" if is_dash else "character")
        for around, polygon, is_dash in zip(crops, marks.boxes, marks.is_dash.tolist(), strict=True)
    ]
    return tuple(_crop_part(engine, piece) for piece in (*found, *alone, *seen.stamps))


def _crop_part(engine: Engine, piece: Crop) -> Part:
    bucket = engine.crop_bucket(piece.image.shape[0], piece.image.shape[1])
    return Part("recognise", bucket.key, bucket.cost, piece)


def _table_part(engine: Engine, image: Image, drawn: DrawnTable, lines: Polygons) -> Part:
    """The table with the room around its lines that an engine may want to see."""
    (x0, y0), (x1, y1) = lines.min(axis=(0, 1)).tolist(), lines.max(axis=(0, 1)).tolist()
    room = ROOM * max(x1 - x0, y1 - y0) + ROOM_PX
    left, top = max(0, int(x0 - room)), max(0, int(y0 - room))
    piece = np.ascontiguousarray(image[top : int(y1 + room) + 1, left : int(x1 + room) + 1])
    bucket = engine.table_bucket(piece.shape[0], piece.shape[1])
    table = TableCrop(piece, (x0 - left, y0 - top, x1 - left, y1 - top), lines - np.array([left, top], np.float32))
    return Part("tables", bucket.key, bucket.cost, TableCut(table, drawn.region, drawn.ruled, (left, top)))
