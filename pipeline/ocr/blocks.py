"""What the lines of a page make up: titles, paragraphs, lists, tables, pictures; and the order they are read in.

Every line is in exactly one block, every block but a table or a figure has a line, and the lines of a block are read
one after another. Where no region is found, lines are read in the order of `reading_order`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .figures import is_text
from .geometry import Polygons
from .layout import Region
from .line_kinds import is_page_number
from .lists import hangs, list_parts
from .paragraphs import in_margin, paragraphs
from .reading_frame import Direction, Floats, Frame, Order, direction_of
from .reading_order import Units, order_of_lines, order_of_units
from .regions import INSIDE, Box, box_around, coverage, distinct, is_sound, surest
from .rows import rows_of
from .table_regions import table_regions

BlockKind = Literal["title", "text", "list", "table", "figure", "header", "footer", "page_number"]

_SCORE = 0.5
"""Of a region that is believed."""

_WITHIN = 0.8
"""A line that no region holds belongs to a block whose other lines surround this share of it."""


@dataclass(frozen=True, slots=True)
class Block:
    """`box`: x0, y0, x1, y1 in pixels. `lines`: indices, in reading order. `region`: what it was found by, if any."""

    kind: BlockKind
    box: Box
    lines: tuple[int, ...]
    region: Region | None = None


@dataclass(frozen=True, slots=True)
class _Page:
    polygons: Polygons
    texts: Sequence[str]
    direction: Direction
    frame: Frame
    size: tuple[int, int]


def find_blocks(
    polygons: Polygons,
    texts: Sequence[str],
    *,
    regions: Sequence[Region],
    width: int,
    height: int,
    tables: Sequence[Region] | None = None,
) -> tuple[Block, ...]:
    """Blocks in reading order, of an upright page. `regions` may overlap, repeat one another or be nonsense.

    `tables` are what `table_regions` gave, if it was asked already: then no other region is a table.
    """
    direction = direction_of(polygons, texts)
    page = _Page(polygons, texts, direction, direction.frame(polygons), (width, height))
    believed = _believed(regions, table_regions(regions, polygons) if tables is None else tables, page)
    owner = _owners(believed, page)
    drafts = [_draft(region, np.flatnonzero(owner == place), page) for place, region in enumerate(believed)]
    drafts = [draft for draft in drafts if draft.lines or draft.kind in ("table", "figure")]
    return _in_order(drafts, np.flatnonzero(owner < 0), page)


def _believed(regions: Sequence[Region], tables: Sequence[Region], page: _Page) -> list[Region]:
    """Tables first, then what is left of the rest: a line goes to the first of equals."""
    sound = [region for region in surest(regions) if is_sound(region) and region.score >= _SCORE]
    aspects = page.frame.width / page.frame.height
    figures = [one for one in sound if one.kind == "figure" and not is_text(one, page.polygons, aspects)]
    pictures = distinct([*tables, *figures])
    return pictures + [region for region in sound if region.kind not in ("table", "figure")]


def _owners(regions: Sequence[Region], page: _Page) -> NDArray[np.intp]:
    """(lines,): the region each line belongs to, or -1. A table keeps all that stands in it."""
    owner = np.full(len(page.polygons), -1, np.intp)
    if not regions or not len(owner):
        return owner
    shares = coverage(regions, page.polygons)
    sure = np.array([region.score + (region.kind == "table") for region in regions])
    owner = _shared_out(np.where(shares >= INSIDE, shares * sure[:, None], 0))
    for place in np.unique(owner[owner >= 0]).tolist():
        around = Region("text", box_around(page.polygons[owner == place]), 1.0)
        owner[(owner < 0) & (coverage([around], page.polygons)[0] >= _WITHIN)] = place
    return owner


def _shared_out(fit: Floats) -> NDArray[np.intp]:
    """The region that fits each line best, or -1. One that lost most of its lines to others keeps none."""
    held = (fit > 0).sum(axis=1)
    while True:
        owner = np.where(fit.max(axis=0) > 0, fit.argmax(axis=0), -1)
        kept = np.bincount(owner[owner >= 0], minlength=len(fit))
        lost = (kept > 0) & (2 * kept < held)
        if not lost.any():
            return owner
        fit[np.flatnonzero(lost)[(kept / np.maximum(held, 1))[lost].argmin()]] = 0


def _draft(region: Region, lines: Order, page: _Page) -> Block:
    """A region and what it holds, as one block."""
    ordered = lines[_inside(region, page.frame.of(lines))]
    box = box_around(page.polygons[lines]) if len(lines) else region.box
    if region.kind in ("table", "figure"):
        box = _around([box, region.box])
    kind = _kind(region, ordered, page)
    return Block(kind, _on_page(box, page), tuple(ordered.tolist()), region)


def _inside(region: Region, frame: Frame) -> Order:
    """Lines of a table or a picture are read along their rows; columns of running text are for text."""
    if region.kind in ("table", "figure"):
        return np.array([line for row in rows_of(frame) for line in row], np.intp)
    return order_of_lines(frame)


def _kind(region: Region, lines: Order, page: _Page) -> BlockKind:
    """What the network calls a list is one if it looks like a bibliography; any other `_listed` tells."""
    match region.kind:
        case "header" | "footer" if len(lines) == 1 and is_page_number(page.texts[lines[0]]):
            return "page_number"
        case "list" if len(lines) and hangs(page.frame.of(lines)):
            return "list"
        case "list" | "caption" | "equation":
            return "text"
        case kind:
            return kind


def _in_order(drafts: Sequence[Block], free: Order, page: _Page) -> tuple[Block, ...]:
    """Blocks and lines that are in none are put in order together; such lines then become paragraphs."""
    frames = [_unit_frame(draft, page) for draft in drafts]
    texts = [
        page.frame.of(np.array([] if draft.kind in ("table", "figure") else draft.lines, np.intp)) for draft in drafts
    ]
    alone = [page.frame.of(np.array([line])) for line in free.tolist()]
    whole = [len(draft.lines) != 1 or draft.kind in ("table", "figure") for draft in drafts] + [False] * len(free)
    if not whole:
        return ()
    units = Units(Frame.joined([*frames, *alone]), (*texts, *alone), np.array(whole))
    blocks: list[Block] = []
    run: list[int] = []
    for place in order_of_units(units).tolist():
        if place >= len(drafts):
            run.append(int(free[place - len(drafts)]))
            continue
        blocks += [*_free(run, page), *_listed(drafts[place], page)]
        run = []
    return (*blocks, *_free(run, page))


def _unit_frame(draft: Block, page: _Page) -> Frame:
    if draft.kind in ("table", "figure") or not draft.lines:
        x0, y0, x1, y1 = draft.box
        return page.direction.frame(np.array([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]], np.float32))
    return _one(page.frame.of(np.array(draft.lines)))


def _one(frame: Frame) -> Frame:
    left, right, top, bottom = (np.array([side]) for side in frame.around())
    return Frame(left, right, top, bottom)


def _free(run: Sequence[int], page: _Page) -> list[Block]:
    """Paragraphs and lists of lines that no region holds."""
    return [part for group in paragraphs(run, page.frame) for part in _listed(_paragraph(group, page), page)]


def _paragraph(lines: Sequence[int], page: _Page) -> Block:
    number = len(lines) == 1 and is_page_number(page.texts[lines[0]]) and in_margin(lines[0], page.frame)
    return Block(
        "page_number" if number else "text", _on_page(box_around(page.polygons[list(lines)]), page), tuple(lines)
    )


def _listed(block: Block, page: _Page) -> list[Block]:
    """A text parted where a list begins or ends in it."""
    if block.kind != "text" or not block.lines:
        return [block]
    texts = [page.texts[line] for line in block.lines]
    parts = list_parts(page.frame.of(np.array(block.lines)), texts)
    if len(parts) == 1:
        return [replace(block, kind="list" if parts[0][0] else "text")]
    return [_part(block, block.lines[begin:end], page, listed=listed) for listed, begin, end in parts]


def _part(block: Block, lines: tuple[int, ...], page: _Page, *, listed: bool) -> Block:
    box = _on_page(box_around(page.polygons[list(lines)]), page)
    return replace(block, kind="list" if listed else "text", box=box, lines=lines)


def _around(boxes: Sequence[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _on_page(box: Box, page: _Page) -> Box:
    width, height = page.size
    x0, y0, x1, y1 = box
    return max(0.0, min(x0, width)), max(0.0, min(y0, height)), max(0.0, min(x1, width)), max(0.0, min(y1, height))
