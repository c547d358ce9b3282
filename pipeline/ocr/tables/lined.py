"""A table from nothing but where its lines stand: what is left where a network has lost its way in a long one.

Rows are rows of text; columns part where much fewer lines stand than to either side. No cell spans several: nothing
says so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bands import Bands, nearest, rows_of_text
from .fill import Filling
from .grid import MOST_COLUMNS, MOST_ROWS, Grid, grid_of
from .text import Boxes

_STEP = 0.25
"""Heights of a line between places that are asked how many lines stand there."""

_VALLEY = 0.5
"""Between two columns stand at most so many of the lines that stand in the one with fewer. Some are found as one."""

_COLUMN = 0.2
"""A column has lines in at least this share of the rows."""


def lined(lines: Boxes) -> tuple[Grid, Boxes, Filling] | None:
    """The grid, its cells' boxes and its lines; None where there are no two rows of two columns, or too many."""
    if len(lines) < 4:
        return None
    rows = rows_of_text(lines)
    columns = _columns(lines, max(2.0, _COLUMN * len(rows)))
    if not (1 < len(rows) <= MOST_ROWS and 1 < len(columns) <= MOST_COLUMNS):
        return None
    row, column = (place.ravel() for place in np.indices((len(rows), len(columns))))
    ones = np.ones_like(row)
    grid = grid_of(np.stack([row, column, ones, ones], axis=1), np.arange(len(row)), 0)
    boxes = np.stack([columns[column, 0], rows[row, 0], columns[column, 1], rows[row, 1]], axis=1)
    in_row, _ = nearest(lines[:, 1], lines[:, 3], rows)
    in_column, _ = nearest(lines[:, 0], lines[:, 2], columns)
    return grid, boxes, Filling(grid.slots[in_row, in_column], rows, columns)


def _columns(lines: Boxes, least: float) -> Bands:
    begin = float(lines[:, 0].min())
    first, last = (((lines[:, side] - begin) / _STEP).astype(int) for side in (0, 2))
    steps = np.zeros(int(last.max()) + 2, np.intp)
    np.add.at(steps, first, 1)
    np.add.at(steps, last + 1, -1)
    parts = _parted(np.cumsum(steps), 0, len(steps), least)
    return np.array([_extent(lines, begin + _STEP * low, begin + _STEP * high) for low, high in parts]).reshape(-1, 2)


def _parted(heights: NDArray[np.intp], low: int, high: int, least: float) -> list[tuple[int, int]]:
    """From left to right; the deepest valley first."""
    parts, found = [(low, high)], []
    while parts:
        low, high = parts.pop()
        here = heights[low:high]
        lower = np.minimum(np.maximum.accumulate(here), np.maximum.accumulate(here[::-1])[::-1])
        deep = np.where(lower >= least, here / np.maximum(lower, 1), 1.0)
        if here.max() < least:
            continue
        if deep.min() > _VALLEY:
            found.append((low, high))
            continue
        middle = np.flatnonzero(deep == deep.min())
        place = low + int(middle[len(middle) // 2])
        parts += [(low, place), (place, high)]
    return sorted(found)


def _extent(lines: Boxes, low: float, high: float) -> tuple[float, float]:
    """Of the lines that stand in a column alone; of the column where none does."""
    inside = lines[(lines[:, 0] >= low - _STEP) & (lines[:, 2] <= high + _STEP)]
    return (float(inside[:, 0].min()), float(inside[:, 2].max())) if len(inside) else (low, high)
