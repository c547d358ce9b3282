"""Which cell of a grid each line of text is in: the one where its row and its column meet, so cells with spans need no
rule of their own. A line far from all of them is in none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bands import COLUMNS, ROWS, Bands, Boxes, bands, nearest, to_text
from .grid import Grid, Indices

OUTSIDE = -1

_NEAR = 2.0
"""Heights of a line that may lie between a line and the grid it belongs to. Seen at most in 33 tables: 1.1."""


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
    rows = to_text(rows, columns, grid, lines)
    row, _ = nearest(lines[:, 1], lines[:, 3], rows)
    column, _ = nearest(lines[:, 0], lines[:, 2], columns)
    near = _within(lines[:, 1], lines[:, 3], rows) & _within(lines[:, 0], lines[:, 2], columns)
    return Filling(np.where(near, grid.slots[row, column], OUTSIDE), rows, columns)


def _within(starts: NDArray[np.float64], ends: NDArray[np.float64], across: Bands) -> NDArray[np.bool_]:
    return np.asarray((ends > across.min() - _NEAR) & (starts < across.max() + _NEAR))


def text_rows(cells: Indices, lines: Boxes) -> tuple[Indices, Indices]:
    """The lines that are in cells, cell by cell and row of text by row of text, left to right; and for each of them the
    number of its row of text, counted through all cells."""
    middles = lines[:, 1] + lines[:, 3]
    order = np.lexsort((middles, cells))
    order = order[cells[order] != OUTSIDE]
    above, below = order[:-1], order[1:]
    shared = np.minimum(lines[above, 3], lines[below, 3]) - np.maximum(lines[above, 1], lines[below, 1])
    lower = np.minimum(lines[above, 3] - lines[above, 1], lines[below, 3] - lines[below, 1])
    begins = (cells[above] != cells[below]) | (shared < lower / 2)
    number = np.concatenate([np.zeros(min(1, len(order)), np.intp), np.cumsum(begins)])
    along = np.lexsort((lines[order, 0], number))
    return order[along], number[along]


def deep_rows(grid: Grid, cells: Indices, number: Indices) -> NDArray[np.bool_]:
    """(rows,): every filled cell of the row alone holds more than one row of text. Never of the head or the first row,
    where that is common. `cells` and `number`: of the lines, as `text_rows` has them."""
    first = np.diff(number, prepend=-1) > 0
    depth = np.bincount(cells[first], minlength=len(grid.places))
    alone = (grid.places[:, 2] == 1) & (depth > 0)
    deep, shallow = (
        np.bincount(grid.places[alone & sort, 0], minlength=len(grid.slots)) for sort in (depth > 1, depth == 1)
    )
    rows = (deep > 0) & (shallow == 0)
    rows[: max(1, grid.head_rows)] = False
    return np.asarray(rows)
