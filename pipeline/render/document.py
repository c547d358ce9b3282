"""A document as one HTML file: every page's picture with what was read drawn upon it, its text and tables beside.

The file stands alone: pictures are inside, nothing is loaded from anywhere, and there are no scripts.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from pipeline.render.words import counted
from schemas.pages import Block, BlockKind, Cell, PageError, PageResult, Table, TextLine
from schemas.results import DocumentResult

MOST_PIXELS, LONGEST_SIDE = 2_300_000, 16_000
"""Of a picture: print of 8 points can still be read on an A4 page, and browsers can draw it."""

_QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 80)
CONFIDENT, DOUBTFUL = 0.97, 0.5
"""Confidences whose outlines are fully green and fully red."""

GREEN = 140
"""Degrees on the wheel of colours; red is at 0."""

UNSURE = 0.8
"""Lines below this confidence are underlined in the text as well, and cells with such lines. On 61 receipts 15 % of the
lines are below it, and half of the lines that are wrong."""

NUMBERS = 1 / 50
"""Height of a block's number, as a share of the width of the upright page, which fills its column."""

Pixels = NDArray[np.uint8]
Pictures = Callable[[int], Pixels | PageError]
"""Page number -> (height, width, 3), BGR, in the frame of the page's coordinates; or why there is none."""


@dataclass(frozen=True, slots=True)
class ShownCell:
    """`confidence`: of the line in it that is least sure."""

    cell: Cell
    confidence: float


@dataclass(frozen=True, slots=True)
class Part:
    """A block, and what it says: the rows of its table, and the lines that stand in none of the cells."""

    id: str
    kind: BlockKind | Literal["lines", "junk"]
    lines: tuple[TextLine, ...]
    table: Table | None = None
    rows: tuple[tuple[ShownCell, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """Of a block, where it is drawn on the upright page; `anchor`: which end of it is there."""

    block: str
    x: float
    y: float
    anchor: Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class Picture:
    """`jpeg` in base64. `size`: width and height of the upright page, `turn`: how SVG makes it so."""

    jpeg: str
    size: tuple[int, int]
    turn: str
    numbers: tuple[Number, ...]
    number_size: float


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that was asked for."""

    page: PageResult
    parts: tuple[Part, ...]
    picture: Picture | None
    error: PageError | None


def document_html(result: DocumentResult, pictures: Pictures, *, title: str) -> Iterator[bytes]:
    """The file, piece by piece: of all pictures one is held at a time. Pages are whole, none a claim check.

    A page that lies on its side is shown upright.
    """
    pages = [page for page in result.pages if page.status != "skipped"]
    shown = (_shown(page, pictures) for page in pages)
    pieces = _TEMPLATE.generate(title=title, result=result, count=len(pages), shown=shown)
    return (piece.encode() for piece in pieces)


def parts_of(page: PageResult) -> tuple[Part, ...]:
    """In reading order; lines that are in no block come last, and junk after them. Each line is in one part, or in a
    cell of its table."""
    every = {line.id: line for line in page.lines or ()}
    left = dict(every)
    tables = list(page.tables or ())
    parts = []
    for block in page.blocks or ():
        table = _of_lines(tables, set(block.lines)) if block.kind == "table" else None
        said = [left.pop(name) for name in block.lines]
        inside = _inside(table)
        lines = tuple(line for line in said if line.id not in inside)
        parts.append(Part(block.id, block.kind, lines, table, _rows(table, every)))
    for table in tables:
        parts.append(Part(table.id, "table", (), table, _rows(table, every)))
        for name in _inside(table):
            left.pop(name, None)
    junk = tuple(line for line in left.values() if line.junk)
    lines = tuple(line for line in left.values() if not line.junk)
    parts += [Part("lines", "lines", lines)] if lines else []
    parts += [Part("junk", "junk", junk)] if junk else []
    return tuple(parts)


def confidence_hue(confidence: float) -> int:
    """From red for what is doubtful, over amber, to green: degrees on the wheel of colours."""
    share = min(max((confidence - DOUBTFUL) / (CONFIDENT - DOUBTFUL), 0.0), 1.0)
    return round(share * GREEN)


def _shown(page: PageResult, pictures: Pictures) -> Shown:
    if page.error is not None:
        return Shown(page, (), None, page.error)
    found = pictures(page.number)
    if isinstance(found, PageError):
        return Shown(page, parts_of(page), None, found)
    return Shown(page, parts_of(page), _picture(page, found), None)


def _picture(page: PageResult, pixels: Pixels) -> Picture:
    width, height = page.width or pixels.shape[1], page.height or pixels.shape[0]
    turn, size = {
        0: ("", (width, height)),
        90: (f"translate({height} 0) rotate(90)", (height, width)),
        180: (f"translate({width} {height}) rotate(180)", (width, height)),
        270: (f"translate(0 {width}) rotate(270)", (height, width)),
    }[page.rotation]
    number_size = size[0] * NUMBERS
    numbers = tuple(_number(block, page.rotation, width, height, number_size) for block in page.blocks or ())
    return Picture(_jpeg(pixels), size, turn, numbers, number_size)


def _number(block: Block, rotation: int, width: int, height: int, size: float) -> Number:
    """Left of where the block begins; above it where there is no room."""
    left, top = block.polygon[0]
    x, y = {0: (left, top), 90: (height - top, left), 180: (width - left, height - top), 270: (top, width - left)}[
        rotation
    ]
    if x > 2 * size:
        return Number(block.id, x - size / 4, y + size, "end")
    return Number(block.id, x, max(y - size / 4, size), "start")


def _jpeg(pixels: Pixels) -> str:
    height, width = pixels.shape[:2]
    scale = min(1.0, (MOST_PIXELS / (width * height)) ** 0.5, LONGEST_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    _, body = cv2.imencode(".jpg", cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), _QUALITY)
    return base64.b64encode(body.tobytes()).decode()


def _rows(table: Table | None, lines: Mapping[str, TextLine]) -> tuple[tuple[ShownCell, ...], ...]:
    if table is None:
        return ()
    rows: list[list[ShownCell]] = [[] for _ in range(table.row_count)]
    for cell in table.cells:
        sure = min((lines[name].confidence for name in cell.lines if name in lines), default=1.0)
        rows[cell.row].append(ShownCell(cell, sure))
    return tuple(map(tuple, rows))


def _of_lines(tables: list[Table], lines: set[str]) -> Table | None:
    """The table whose cells hold these lines, taken from the list."""
    for table in tables:
        if lines & _inside(table):
            tables.remove(table)
            return table
    return None


def _inside(table: Table | None) -> set[str]:
    return {name for cell in table.cells for name in cell.lines} if table is not None else set()


def _points(polygon: tuple[tuple[float, float], ...]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in polygon)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pipeline.render", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(points=_points, hue=confidence_hue, counted=counted)
    environment.globals.update(unsure=UNSURE)
    return environment


_TEMPLATE = _environment().get_template("document.html")
