"""Which cell of a grid each line of text is in: the one where its row and its column meet, so cells with spans need no
rule of their own. A line far from all of them is in none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bands import COLUMNS, ROWS, Bands, bands, nearest, rows_of_text, to_text
from .grid import Grid, Indices
from .text import OUTSIDE, Boxes

_NEAR = 2.0
"""Heights of a line that may lie between a line and the grid it belongs to. Seen at most in 33 tables: 1.1."""

_SLACK = 0.3
"""Heights of a line by which the middle of one in a cell may lie beyond the rulings around it."""


@dataclass(frozen=True, slots=True, eq=False)
class Filling:
    """`cells` is (lines,): an index into the grid's cells, or OUTSIDE. `rows` and `columns`: where they lie."""

    cells: Indices
    rows: Bands
    columns: Bands


def fill(grid: Grid, boxes: Boxes, lines: Boxes) -> Filling | None:
    """All in heights of a line. `boxes`: one for each cell of the grid, NaN where unknown. None where too few are known
    to tell where the grid lies."""
    rows, columns = bands(grid, boxes, ROWS), bands(grid, boxes, COLUMNS)
    if rows is None or columns is None:
        return None
    printed = rows_of_text(lines) if len(grid.places) == grid.slots.size else rows[:0]
    rows = printed if len(printed) == len(rows) else to_text(rows, columns, grid, lines)
    near = _within(lines, rows, columns, room=_NEAR)
    return _filled(grid, rows, columns, lines, near)


def fill_exactly(grid: Grid, boxes: Boxes, lines: Boxes) -> Filling | None:
    """The same for boxes that are where they should be: what has its middle beyond them is no part of them."""
    rows, columns = bands(grid, boxes, ROWS), bands(grid, boxes, COLUMNS)
    if rows is None or columns is None:
        return None
    middles = (lines[:, :2] + lines[:, 2:]) / 2
    near = _within(np.concatenate([middles, middles], axis=1), rows, columns, room=_SLACK)
    return _filled(grid, rows, columns, lines, near)


def _filled(grid: Grid, rows: Bands, columns: Bands, lines: Boxes, near: NDArray[np.bool_]) -> Filling:
    row, _ = nearest(lines[:, 1], lines[:, 3], rows)
    column, _ = nearest(lines[:, 0], lines[:, 2], columns)
    return Filling(np.where(near, grid.slots[row, column], OUTSIDE), rows, columns)


def _within(boxes: Boxes, rows: Bands, columns: Bands, *, room: float) -> NDArray[np.bool_]:
    low, high = np.array([columns.min(), rows.min()]) - room, np.array([columns.max(), rows.max()]) + room
    return np.asarray(((boxes[:, 2:] > low) & (boxes[:, :2] < high)).all(axis=1))
