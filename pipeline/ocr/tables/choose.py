"""Which of several answers fits the text of a table best: each contradiction counts one, and where there are as many,
the network's own probabilities decide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bands import Boxes
from .fill import Filling, text_rows
from .grid import Grid

_APART = 1.0
"""Heights of a line between two lines of one row of text from which they are two cells' rather than one's."""

_MERGED = 0.5
"""Weight of a row whose every cell holds two rows of text or more: mostly two rows read as one, but not always."""


def cost(grid: Grid, filling: Filling, lines: Boxes, scores: NDArray[np.float32]) -> float:
    """0 and more: less is better. e to its negative power is a fair confidence."""
    return contradictions(grid, filling, lines) - _mean_log(scores)


def contradictions(grid: Grid, filling: Filling, lines: Boxes) -> float:
    order, number = text_rows(filling.cells, lines)
    filled = np.isin(grid.slots, filling.cells[order])
    empty = int((~filled.any(axis=0)).sum() + (~filled.any(axis=1)).sum())
    return (
        (grid.holes > 0) + empty + _side_by_side(order, number, lines) + _MERGED * _merged(grid, filling, order, number)
    )


def _side_by_side(order: NDArray[np.intp], number: NDArray[np.intp], lines: Boxes) -> int:
    gaps = lines[order[1:], 0] - lines[order[:-1], 2]
    return int(((number[1:] == number[:-1]) & (gaps > _APART)).sum())


def _merged(grid: Grid, filling: Filling, order: NDArray[np.intp], number: NDArray[np.intp]) -> int:
    """Rows below the head (and below the first) whose every filled cell holds more than one row of text."""
    cells = filling.cells[order]
    first = np.diff(number, prepend=-1) > 0
    depth = np.bincount(cells[first], minlength=len(grid.places))
    single = (grid.places[:, 2] == 1) & (depth > 0)
    row = grid.places[single, 0]
    shallow = np.isin(np.arange(len(grid.slots)), row[depth[single] == 1])
    seen = np.isin(np.arange(len(grid.slots)), row)
    return int((seen & ~shallow)[max(1, grid.head_rows) :].sum())


def _mean_log(scores: NDArray[np.float32]) -> float:
    """Of probabilities; what is none of them counts as nothing known."""
    known = np.nan_to_num(scores.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return float(np.log(np.clip(known, 1e-9, 1.0)).mean()) if len(scores) else float(np.log(1e-9))
