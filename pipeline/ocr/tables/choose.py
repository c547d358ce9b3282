"""Which of several answers fits the text of a table best, and how sure that is.

The one that the text contradicts least; among those the one that most answers agree upon; among those the one whose
network was surest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

from .fill import Filling
from .grid import Grid
from .text import OUTSIDE, Boxes, deep_rows, text_rows

_APART = 1.0
"""Heights of a line between two lines of one row of text from which they are two cells' rather than one's."""

_MERGED = 0.5
"""Weight of a row whose every cell holds two rows of text or more: mostly two rows read as one, but not always."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What becomes of one answer. `boxes`: of the grid's cells, NaN where unknown. `probability`: 0 to 1, the geometric
    mean of its tokens'."""

    tokens: tuple[str, ...]
    grid: Grid
    boxes: Boxes
    filling: Filling
    contradictions: float
    probability: float


def choose(readings: Sequence[Reading], drawn: Reading | None = None) -> tuple[Reading, float]:
    """The best of at least one, and the probability, 0 to 1, that its structure is right in every cell.

    29 tables, each with 62 sets of four answers: right in 98, 86, 66, 40 of 100 where 4, 3, 2, 1 of the four agreed.
    """
    votes = Counter(_shape(reading.grid) for reading in readings)

    def rank(reading: Reading) -> tuple[object, ...]:
        """The last two only make sure that the order of the readings is nothing."""
        agreeing = votes[_shape(reading.grid)]
        places = np.round(np.nan_to_num(reading.boxes, nan=0.0), 6).tolist()
        return reading.contradictions, -agreeing, -reading.probability, reading.tokens, places

    best = drawn if drawn is not None and not drawn.contradictions else min(readings, key=rank)
    agreeing = votes[_shape(best.grid)] / len(readings)
    return best, agreeing * best.probability * exp(-best.contradictions)


def _shape(grid: Grid) -> tuple[tuple[int, ...], bytes]:
    return grid.slots.shape, grid.slots.tobytes()


def contradictions(grid: Grid, filling: Filling, lines: Boxes) -> float:
    """Of an answer of a network: rows and columns without text are nothing it can have seen."""
    return int(grid.holes > 0) + _empty(grid, filling) + disputes(grid, filling, lines)


def astray(grid: Grid, filling: Filling, lines: Boxes) -> int:
    """Rows and columns without text, lines in no cell, and lines of several cells in one: the answer is of another
    table, or of a part of it."""
    order, number = text_rows(filling.cells, lines)
    return _empty(grid, filling) + int((filling.cells == OUTSIDE).sum()) + _side_by_side(order, number, lines)


def _empty(grid: Grid, filling: Filling) -> int:
    filled = np.isin(grid.slots, filling.cells)
    return int((~filled.any(axis=0)).sum() + (~filled.any(axis=1)).sum())


def disputes(grid: Grid, filling: Filling, lines: Boxes) -> float:
    """Cells that are several in truth."""
    order, number = text_rows(filling.cells, lines)
    merged = int(deep_rows(grid, filling.cells[order], number).sum())
    return _side_by_side(order, number, lines) + _MERGED * merged


def _side_by_side(order: NDArray[np.intp], number: NDArray[np.intp], lines: Boxes) -> int:
    gaps = lines[order[1:], 0] - lines[order[:-1], 2]
    return int(((number[1:] == number[:-1]) & (gaps > _APART)).sum())


def mean_probability(scores: NDArray[np.float32]) -> float:
    """Geometric; what is no probability counts as none."""
    if not len(scores):
        return 0.0
    known = np.nan_to_num(scores.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return exp(float(np.log(np.clip(known, 1e-9, 1.0)).mean()))
