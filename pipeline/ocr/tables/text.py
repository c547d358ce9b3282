"""Which lines of a table stand beside one another in one row of text, and which rows of the table hold several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .grid import Grid, Indices

Boxes = NDArray[np.float64]
"""(n, 4): x0, y0, x1, y1."""

OUTSIDE = -1
"""In place of a cell: none."""

APART = 1.0
"""Heights of a line between two lines of one row of text from which they are two cells' rather than one's."""


_COVERED, _REACH_LINE_HEIGHTS = 0.5, 0.8
"""Share of a column that a line covers when it says what stands there, or its heights: room for a digit and the space
beside it, for numbers fill little of a column. Columns are as wide as what the network saw."""


def columns_over(columns: NDArray[np.float64], lines: Boxes) -> NDArray[np.bool_]:
    """(lines, columns): which of `columns` (columns, 2), where each begins and ends, a line stands in."""
    covered = np.minimum(columns[:, 1], lines[:, 2:3]) - np.maximum(columns[:, 0], lines[:, :1])
    return np.asarray(covered >= np.minimum(_COVERED * (columns[:, 1] - columns[:, 0]), _REACH_LINE_HEIGHTS))


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


def extents(order: Indices, number: Indices, lines: Boxes) -> NDArray[np.float64]:
    """(rows of text, 2): top and bottom of each, from what `text_rows` found."""
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    if not len(starts):
        return np.zeros((0, 2))
    tops, bottoms = np.minimum.reduceat(lines[order, 1], starts), np.maximum.reduceat(lines[order, 3], starts)
    return np.stack([tops, bottoms], axis=1)


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
