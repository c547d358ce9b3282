"""The lines of a ruled table, one for each cell they stand in.

A detector joins digits on both sides of a ruling into one line, takes the ruling into a line's box, or sees no line in
a single digit. Where rulings close cells, the ink between them tells where each cell's text is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Polygons
from .level import LevelPage, Mask, as_boxes
from .ruled import RuledTable

_STRONG = 0.35
"""Share of the darkness of a table's strokes from which a pixel belongs to one."""

_FAINTEST_GREY_LEVELS = 24

_RULING_PX = 1
"""Pixels of the reduced picture around a ruling that are its blurred edge."""

_TOUCHED_LINE_HEIGHTS = 0.05
"""A line is cut where it reaches beyond a wall, or comes this close to it: then the ruling is in its crop."""

_MARGIN_LINE_HEIGHTS = 0.1
"""Room between the ink of a line and its box."""

_LEAST_LINE_HEIGHTS = 0.3
_DASH_LINE_HEIGHTS, _DASH_ASPECT = 0.15, 1.5
"""Height of a sign; length of a dash, and length over height. What is smaller alone is a speck."""

_HIGHEST_LINE_HEIGHTS = 1.5
"""Ink of one line is at most this high; what is higher is a picture."""

_LOWEST_LINE_HEIGHTS = 0.75
"""A box that is lower than this holds a dash, or a mark."""

_SLANTED = 0.15
"""Slope of a line that stands in no row of a table."""

_SAME_ROW_LINE_HEIGHTS = 0.3
"""Middles of the ink of one row of text lie this close together at most."""

_HOLLOW, _SQUARE = 0.8, 0.8
"""A box to be ticked has ink along the first share of each of its four sides. Its shorter side is at least the second
share of the longer one: a zero is narrower."""

Boxes = NDArray[np.float64]
"""(n, 4): x0, y0, x1, y1 on the level page."""


@dataclass(frozen=True, slots=True, eq=False)
class CellLines:
    """`polygons` (n, 4, 2) on the page. `sources` (n,): the line that each was or was part of, -1 for new ones."""

    polygons: Polygons
    sources: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class _Ink:
    """Connected strokes of a table's text. `boxes`: of each; `cells`: the cell it stands in; `lines`: the line whose
    box it stands in, -1 without one."""

    boxes: Boxes
    cells: NDArray[np.intp]
    lines: NDArray[np.intp]


def cell_lines(table: RuledTable, page: LevelPage, drawn: Mask, polygons: Polygons) -> CellLines:
    """All `polygons` of the page in their order, each replaced by its parts where it crosses or touches a wall of
    `table`; then lines for cells that hold ink and no line. `drawn` (h, w): the pixels of the page's rulings."""
    lines = as_boxes(page.lines)
    ink = _ink(table, page, drawn, lines)
    found: list[Polygons] = []
    sources: list[int] = []
    touching = _touching(table, page.lines, ink, page.line_px)
    for number, polygon in enumerate(polygons):
        parts = _parts(number, lines[number], ink, table, page.line_px) if touching[number] else lines[:0]
        found.append(_on_page(page, parts) if len(parts) else polygon[None])
        sources += [number] * len(found[-1])
    new = _unseen(table, ink, page, drawn, lines)
    found.append(_on_page(page, new))
    return CellLines(np.concatenate(found), np.array([*sources, *[-1] * len(new)], np.intp))


def between_rulings(table: RuledTable, polygons: Polygons) -> Polygons:
    """`polygons` on the page, those with their middle in a cell drawn in to the rulings around it. Otherwise a ruling
    beside a mark is read with it."""
    turn = cv2.invertAffineTransform(table.to_page)
    level = (polygons @ turn[:, :2].T + turn[:, 2]).astype(np.float32)
    found, boxes = polygons.copy(), as_boxes(level)
    cells = table.cell_at((boxes[:, :2] + boxes[:, 2:]) / 2)
    for number in np.flatnonzero(cells >= 0).tolist():
        cell = _inside(table, int(cells[number]))
        low, high = np.maximum(boxes[number, :2], cell[:2]), np.minimum(boxes[number, 2:], cell[2:])
        if (high > low).all():
            found[number] = table.on_page(np.concatenate([low, high])[None])[0]
    return found


def _ink(table: RuledTable, page: LevelPage, drawn: Mask, lines: Boxes) -> _Ink:
    x0, y0 = (max(0, int(edges[0])) for edges in (table.xs, table.ys))
    x1, y1 = (int(edges[-1]) + 1 for edges in (table.xs, table.ys))
    side = 1 + 2 * _RULING_PX
    rulings = cv2.dilate(drawn[y0:y1, x0:x1], np.ones((side, side), np.uint8)) > 0
    part = np.where(rulings, 0, page.ink[y0:y1, x0:x1])
    dark = part[part > _FAINTEST_GREY_LEVELS]
    least = max(_FAINTEST_GREY_LEVELS, _STRONG * float(np.quantile(dark, 0.9))) if len(dark) else 255.0
    _, _, stats, _ = cv2.connectedComponentsWithStats(np.asarray(part > least, np.uint8), connectivity=8)
    boxes = np.concatenate([stats[1:, :2], stats[1:, :2] + stats[1:, 2:4]], axis=1) + np.array([x0, y0, x0, y0], float)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    cells = table.cell_at(middles)
    return _Ink(boxes, cells, _lines_of(boxes, middles, cells, lines, table))


def _lines_of(
    boxes: Boxes, middles: Boxes, cells: NDArray[np.intp], lines: Boxes, table: RuledTable
) -> NDArray[np.intp]:
    """(strokes,): the line around each; of several, one with its middle in the same cell, then the lowest."""
    if not len(lines) or not len(boxes):
        return np.full(len(boxes), -1, np.intp)
    owners = np.full(len(boxes), -1, np.intp)
    own = table.cell_at((lines[:, :2] + lines[:, 2:]) / 2)
    high = lines[:, 3] - lines[:, 1]
    for number in range(len(boxes)):
        around = np.flatnonzero(
            (middles[number] >= lines[:, :2]).all(axis=1) & (middles[number] <= lines[:, 2:]).all(axis=1)
        )
        if len(around):
            owners[number] = min(around.tolist(), key=lambda line: (own[line] != cells[number], high[line], line))
    return owners


def _touching(table: RuledTable, polygons: Polygons, ink: _Ink, line_px: float) -> NDArray[np.bool_]:
    """(lines,): whether a line's ink stands in several cells, its box reaches over a side of its cell that is drawn, or
    its box is that of a single sign: higher than wide, which would be read as turned, or much lower than a line."""
    lines = as_boxes(polygons)
    several = np.zeros(len(lines), np.bool_)
    owned = ink.lines >= 0
    first = np.full(len(lines), -1, np.intp)
    first[ink.lines[owned]] = ink.cells[owned]
    several[ink.lines[owned][ink.cells[owned] != first[ink.lines[owned]]]] = True
    cells = table.cell_at((lines[:, :2] + lines[:, 2:]) / 2)
    wide, high = (lines[:, 2:] - lines[:, :2]).T
    several |= (cells >= 0) & (high > wide) & (high <= _HIGHEST_LINE_HEIGHTS * line_px)
    several |= (cells >= 0) & (high < _LOWEST_LINE_HEIGHTS * line_px)
    room = _TOUCHED_LINE_HEIGHTS * line_px
    for line in np.flatnonzero(cells >= 0).tolist():
        row, column, row_span, column_span = table.cells[cells[line]].tolist()
        x0, x1 = table.xs[column], table.xs[column + column_span]
        sides = (
            (lines[line, 0] < x0 + room, table.left[column]),
            (lines[line, 2] > x1 - room, table.left[column + column_span]),
        )
        several[line] |= any(over and wall[row : row + row_span].any() for over, wall in sides)
    return several & ~_are_slanted(polygons)


def _are_slanted(lines: Polygons) -> NDArray[np.bool_]:
    """(lines,): long lines that run across the rows of the table, as those of a stamp do."""
    along, across = lines[:, 1] - lines[:, 0], lines[:, 3] - lines[:, 0]
    long = np.linalg.norm(along, axis=1) > 2 * np.linalg.norm(across, axis=1)
    return np.asarray(long & (np.abs(along[:, 1]) > _SLANTED * np.abs(along[:, 0])))


def _parts(number: int, line: Boxes, ink: _Ink, table: RuledTable, line_px: float) -> Boxes:
    """The boxes of a line's ink, cell by cell; none where it has none. A part is as high as the line. It ends where the
    line does unless that is at a wall or in another cell."""
    own = ink.lines == number
    cells = list(dict.fromkeys(ink.cells[own][np.lexsort((ink.boxes[own, 0], ink.boxes[own, 1] // line_px))].tolist()))
    parts = []
    for cell in cells:
        strokes = ink.boxes[own & (ink.cells == cell)]
        box = _inside(table, cell) if cell >= 0 else line
        if _is_text(strokes, line_px):
            low = (strokes[:, 3] - strokes[:, 1]).max() < _LEAST_LINE_HEIGHTS * line_px
            parts.append(
                _as_line(strokes, box, line_px) if low else _part(line, _around(strokes, line_px), box, line_px)
            )
    return np.array(parts, np.float64).reshape(-1, 4)


def _part(line: Boxes, around: Boxes, cell: Boxes, line_px: float) -> Boxes:
    """The part of a line in one cell. `around`: its ink there."""
    room = _TOUCHED_LINE_HEIGHTS * line_px
    reach = _LEAST_LINE_HEIGHTS * line_px
    left = line[0] if line[0] >= cell[0] + room and line[0] <= around[0] else max(around[0], cell[0])
    right = line[2] if line[2] <= cell[2] - room and line[2] >= around[2] else min(around[2], cell[2])
    return np.array([left, max(line[1], cell[1] - reach), right, min(line[3], cell[3] + reach)])


def _around(strokes: Boxes, line_px: float) -> Boxes:
    room = _MARGIN_LINE_HEIGHTS * line_px
    return np.concatenate([strokes[:, :2].min(axis=0) - room, strokes[:, 2:].max(axis=0) + room])


def _inside(table: RuledTable, cell: int) -> Boxes:
    """Between the rulings of a cell."""
    room = table.thick_px / 2 + _RULING_PX
    return np.asarray(table.boxes[cell] + np.array([room, room, -room, -room]))


def _is_text(strokes: Boxes, line_px: float) -> bool:
    """Whether any stroke is higher than a speck, or a dash."""
    width, height = (strokes[:, 2:] - strokes[:, :2]).T
    return bool(((height >= _LEAST_LINE_HEIGHTS * line_px) | _are_dashes(width, height, line_px)).any())


def _are_dashes(width: NDArray[np.float64], height: NDArray[np.float64], line_px: float) -> NDArray[np.bool_]:
    return np.asarray((width >= _DASH_LINE_HEIGHTS * line_px) & (width >= _DASH_ASPECT * height))


def _unseen(table: RuledTable, ink: _Ink, page: LevelPage, drawn: Mask, lines: Boxes) -> Boxes:
    """A line for each row of ink in cells that no line stands in."""
    held = set(table.cell_at((lines[:, :2] + lines[:, 2:]) / 2).tolist()) | set(ink.cells[ink.lines >= 0].tolist())
    found = []
    for cell in sorted(set(ink.cells.tolist()) - held - {-1}):
        strokes = ink.boxes[ink.cells == cell]
        for row in _rows(strokes, page.line_px):
            if _is_line(row, page):
                found.append(_as_line(row, _inside(table, cell), page.line_px))
    return np.array(found, np.float64).reshape(-1, 4)


def _rows(strokes: Boxes, line_px: float) -> list[Boxes]:
    """Strokes by row of text, from top to bottom."""
    strokes = strokes[np.argsort(strokes[:, 1] + strokes[:, 3], kind="stable")]
    middles = (strokes[:, 1] + strokes[:, 3]) / 2
    return np.split(strokes, np.flatnonzero(np.diff(middles) > _SAME_ROW_LINE_HEIGHTS * line_px) + 1)


def _is_line(strokes: Boxes, page: LevelPage) -> bool:
    high = float(strokes[:, 3].max() - strokes[:, 1].min())
    if high > _HIGHEST_LINE_HEIGHTS * page.line_px or not _is_text(strokes, page.line_px):
        return False
    return len(strokes) > 1 or not _is_hollow(strokes[0], page)


def _is_hollow(stroke: Boxes, page: LevelPage) -> bool:
    """A square to be ticked."""
    x0, y0, x1, y1 = stroke.astype(int)
    shown = page.ink[y0:y1, x0:x1] > _FAINTEST_GREY_LEVELS
    square = min(shown.shape) >= max(_LEAST_LINE_HEIGHTS * page.line_px, _SQUARE * max(shown.shape))
    return square and all(side.mean() >= _HOLLOW for side in (shown[0], shown[-1], shown[:, 0], shown[:, -1]))


def _as_line(strokes: Boxes, cell: Boxes, line_px: float) -> Boxes:
    """As high as a line is at least, within the cell."""
    x0, y0, x1, y1 = _around(strokes, line_px).tolist()
    lacking = max(0.0, line_px - (y1 - y0)) / 2
    low = np.maximum((x0, y0 - lacking), cell[:2])
    return np.concatenate([low, np.maximum(np.minimum((x1, y1 + lacking), cell[2:]), low + 1)])


def _on_page(page: LevelPage, boxes: Boxes) -> Polygons:
    return page.on_page(boxes.reshape(-1, 4)[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]).reshape(-1, 4, 2)
