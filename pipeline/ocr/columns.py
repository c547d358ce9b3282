"""The columns that rows of cells make up, and whether others are the same.

Cells of a column share a side or their middle. That place, and what is shared, is what two parts of one table have in
common, however long their cells are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from .reading_frame import Floats, Frame, Order

_COMMON = 0.2
"""A column has cells in at least this share of the rows."""

_SHARED = 0.25
"""Heights of a line that a cell has in common, at least, with a column that it stands in."""

_TIGHT = 0.3
"""Heights of a line by which what the cells of a column share may differ: four in five of them, on a scan."""

_ENOUGH = 3
"""Cells that have a side in common by more than chance."""

_SAME = 0.5
"""Heights of a line that the same columns are apart at most: the page may be skewed or curled a little."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """`cells`: their places in a frame. `sides` (3,): where they begin, end and have their middle; NaN where they
    don't share it. `left` and `right`: how far they reach."""

    cells: Order
    sides: Floats
    left: float
    right: float

    @property
    def is_known(self) -> bool:
        """Whether enough cells show what they share."""
        return len(self.cells) >= _ENOUGH and bool(np.isfinite(self.sides).any())


def columns_of(frame: Frame, rows: Sequence[Sequence[int]]) -> list[Column]:
    """From left to right. Cells that reach over several columns are in none."""
    several = [row for row in rows if len(row) > 1]
    cells = np.array(sorted(chain.from_iterable(several)), np.intp)
    here, height = frame.of(cells), float(np.median(frame.height))
    touched = _touched(here, _bands(here, _COMMON * len(several)), _SHARED * height)
    alone = touched.sum(axis=1) == 1
    return [_column(frame, cells[alone & inside], _TIGHT * height) for inside in touched.T if np.any(alone & inside)]


def across(frame: Frame, columns: Sequence[Column]) -> Order:
    """(lines,): how many of the columns each line reaches into."""
    reach = np.array([(column.left, column.right) for column in columns]).reshape(-1, 2)
    return np.asarray(_touched(frame, reach, _SHARED * float(np.median(frame.height))).sum(axis=1), np.intp)


def is_foreign(column: Column, columns: Sequence[Column], height: float) -> bool:
    """Whether it stands where others do, but is none of them, and no part of one. `height`: of a line."""
    near = [other for other in columns if column.left < other.right and column.right > other.left]
    room = _SAME * height
    if np.isnan(column.sides).all() or not near or not all(other.is_known for other in near):
        return False
    if any(other.left - room <= column.left and column.right <= other.right + room for other in near):
        return False
    apart = np.abs(np.array([other.sides for other in columns]) - column.sides)
    return not bool((apart <= room).any())


def in_gaps(frame: Frame, rows: Sequence[Sequence[int]], columns: Sequence[Column]) -> int:
    """How many of the columns stand where no row of several cells has any."""
    cells = np.array(sorted(chain.from_iterable(row for row in rows if len(row) > 1)), np.intp)
    reach = np.array([(column.left, column.right) for column in columns]).reshape(-1, 2)
    return int((~_touched(frame.of(cells), reach, 0.0).any(axis=0)).sum())


def _column(frame: Frame, cells: Order, tight: float) -> Column:
    left, right = frame.left[cells], frame.right[cells]
    sides = np.stack([left, right, (left + right) / 2])
    low, high = np.quantile(sides, (0.1, 0.9), axis=1)
    shared = np.where((high - low <= tight) & (len(cells) > 1), np.median(sides, axis=1), np.nan)
    return Column(cells, shared, float(left.min()), float(right.max()))


def _bands(frame: Frame, least: float) -> Floats:
    """(n, 2): where more than `least` cells stand above one another."""
    places = np.unique(np.concatenate([frame.left, frame.right]))
    counts = ((frame.left <= places[:-1, None]) & (frame.right > places[:-1, None])).sum(axis=1)
    busy = np.diff((counts > least).astype(np.intp), prepend=0, append=0)
    return np.stack([places[busy > 0], places[busy < 0]], axis=1)


def _touched(frame: Frame, reach: Floats, least: float) -> NDArray[np.bool_]:
    shared = np.minimum(frame.right[:, None], reach[:, 1]) - np.maximum(frame.left[:, None], reach[:, 0])
    return np.asarray(shared > least)
