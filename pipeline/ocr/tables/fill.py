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
    return _filled(grid, rows, columns, lines)


def fill_exactly(grid: Grid, boxes: Boxes, lines: Boxes) -> Filling | None:
    """The same for boxes that are where they should be."""
    rows, columns = bands(grid, boxes, ROWS), bands(grid, boxes, COLUMNS)
    return None if rows is None or columns is None else _filled(grid, rows, columns, lines)


def _filled(grid: Grid, rows: Bands, columns: Bands, lines: Boxes) -> Filling:
    row, _ = nearest(lines[:, 1], lines[:, 3], rows)
    column, _ = nearest(lines[:, 0], lines[:, 2], columns)
    near = _within(lines[:, 1], lines[:, 3], rows) & _within(lines[:, 0], lines[:, 2], columns)
    return Filling(np.where(near, grid.slots[row, column], OUTSIDE), rows, columns)


def _within(starts: NDArray[np.float64], ends: NDArray[np.float64], across: Bands) -> NDArray[np.bool_]:
    return np.asarray((ends > across.min() - _NEAR) & (starts < across.max() + _NEAR))
