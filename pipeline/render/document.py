"""A document as one HTML file: every page's picture with what was read drawn upon it, its text and tables beside.

The file stands alone: pictures are inside, nothing is loaded from anywhere, and there are no scripts.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from schemas.pages import BlockKind, PageError, PageResult, Table, TextLine
from schemas.results import DocumentResult

LONGEST_SIDE = 1_800
"""Pixels of a picture: print of 8 points can still be read on an A4 page."""

_QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 80)
CONFIDENT, DOUBTFUL = 1.0, 0.75
"""Confidences whose outlines are fully green and fully red."""

GREEN = 140
"""Degrees on the wheel of colours; red is at 0."""

UNSURE = 0.9
"""Lines below this confidence are underlined in the text as well."""

Pixels = NDArray[np.uint8]
Pictures = Callable[[int], Pixels | PageError]
"""Page number -> (height, width, 3), BGR, in the frame of the page's coordinates; or why there is none."""


@dataclass(frozen=True, slots=True)
class Part:
    """A block, and what it says. `lines` are those that stand in none of the table's cells."""

    id: str
    kind: BlockKind | Literal["lines"]
    lines: tuple[TextLine, ...]
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that was asked for. `picture`: base64 of a JPEG."""

    page: PageResult
    parts: tuple[Part, ...]
    picture: str | None
    error: PageError | None


def document_page(result: DocumentResult, pictures: Pictures, *, title: str) -> Iterator[bytes]:
    """The file, piece by piece: of all pictures one is held at a time."""
    pages = [page for page in result.pages if page.status != "skipped"]
    shown = (_shown(page, pictures) for page in pages)
    pieces = _TEMPLATE.generate(title=title, result=result, count=len(pages), shown=shown)
    return (piece.encode() for piece in pieces)


def parts_of(page: PageResult) -> tuple[Part, ...]:
    """In reading order; lines that are in no block come last. Each line is in one part, or in a cell of its table."""
    lines = {line.id: line for line in page.lines or ()}
    tables = list(page.tables or ())
    parts = []
    for block in page.blocks or ():
        table = _of_lines(tables, set(block.lines)) if block.kind == "table" else None
        said = [lines.pop(name) for name in block.lines]
        inside = _inside(table)
        parts.append(Part(block.id, block.kind, tuple(line for line in said if line.id not in inside), table))
    for table in tables:
        parts.append(Part(table.id, "table", (), table))
        for name in _inside(table):
            lines.pop(name, None)
    if lines:
        parts.append(Part("lines", "lines", tuple(lines.values())))
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
    return Shown(page, parts_of(page), _jpeg(found), None)


def _jpeg(pixels: Pixels) -> str:
    height, width = pixels.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    _, body = cv2.imencode(".jpg", cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), _QUALITY)
    return base64.b64encode(body.tobytes()).decode()


def _of_lines(tables: list[Table], lines: set[str]) -> Table | None:
    """The table whose cells hold these lines, taken from the list."""
    for table in tables:
        if lines & _inside(table):
            tables.remove(table)
            return table
    return None


def _inside(table: Table | None) -> set[str]:
    return {name for cell in table.cells for name in cell.lines} if table is not None else set()


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


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
    environment.filters.update(points=_points, hue=confidence_hue, counted=_counted)
    environment.globals.update(unsure=UNSURE)
    return environment


_TEMPLATE = _environment().get_template("document.html")
