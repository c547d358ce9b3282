"""A witness of how a table is to be read: a grid, the lines in its cells, and what the text says against it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp

import numpy as np
from numpy.typing import NDArray

from pipeline.ocr.ruled import RuledTable

from .fill import Filling, fill, fill_exactly
from .frame import Frame
from .grid import Grid, grid_of, headed, read_grid
from .lined import lined
from .mend import continued, parted, taken_apart, told_apart, unruled_body, unruled_rows
from .structure import Structure
from .text import APART, OUTSIDE, Boxes, deep_rows, text_rows

_MERGED = 0.5
"""Weight of a row whose every cell holds two rows of text or more: mostly two rows read as one, but not always."""


@dataclass(frozen=True, slots=True, eq=False)
class Witness:
    """`boxes`: of the grid's cells, NaN where unknown. `contradictions`: how much the text says against it.

    `astray`: rows and columns without text, lines in no cell and lines of several cells in one, counted: with many, it
    is of another table, or of a part of this one. `probability`: 0 to 1, the geometric mean of its tokens'. `drawn`:
    whether rulings tell where its cells end.
    """

    tokens: tuple[str, ...]
    grid: Grid
    boxes: Boxes
    filling: Filling
    contradictions: float
    astray: int
    probability: float
    drawn: bool = False


def by_network(answer: Structure, frame: Frame, lines: Boxes) -> Witness | None:
    """Of an answer, mended. Rows and columns without text are nothing a network can have seen: they contradict it."""
    grid = read_grid(answer.tokens)
    if grid is None:
        return None
    boxes = _boxes_of(grid, answer, frame)
    filling = fill(grid, boxes, lines)
    for mend in (parted, taken_apart, continued):
        if filling is None:
            return None
        better = mend(grid, boxes, filling, lines)
        if better is not None:
            grid, boxes = better
            filling = fill(grid, boxes, lines)
    if filling is None:
        return None
    disputes, astray, empty = _judged(grid, filling, lines)
    against = int(grid.holes > 0) + empty + disputes
    return Witness(answer.tokens, grid, boxes, filling, against, astray, mean_probability(answer.scores))


def by_rulings(ruled: RuledTable, frame: Frame, lines: Boxes, *, head_of: Witness | None) -> Witness | None:
    """The grid that rulings on the page close, which is exact but for rows and columns that have no ruling between
    them: those are parted where the text shows them, and where it can't be parted the text contradicts the grid.
    Several lines in a cell, or words far apart, contradict nothing.

    Rulings tell no head from a body: that is as `head_of` has it. Lines of tables within cells tell nothing but those.
    """
    grid = grid_of(ruled.cells.astype(np.intp), np.arange(len(ruled.cells)), 0)
    boxes = frame.boxes(ruled.corners)
    filling = fill_exactly(grid, boxes, lines)
    if filling is None:
        return None
    within = _covered(lines, frame.boxes(ruled.inner))
    own = replace(filling, cells=np.where(within, OUTSIDE, filling.cells))
    grid, boxes, filling = _mended(told_apart(grid, boxes, own, lines), (grid, boxes, filling), lines)
    grid, boxes, filling = _mended(taken_apart(grid, boxes, filling, lines), (grid, boxes, filling), lines)
    if head_of is not None:
        cells = head_of.filling.cells
        above = head_of.grid.places[np.clip(cells, 0, None), 0] < head_of.grid.head_rows
        grid = headed(grid, filling.cells, above & (cells != OUTSIDE))
    nested = within & (filling.cells != OUTSIDE) & (grid.places[filling.cells, 3] < grid.slots.shape[1])
    columns = unruled_rows(np.where(nested, OUTSIDE, filling.cells), lines)
    against = columns + int(unruled_body(grid, filling, lines))
    astray = _empty(grid, filling) + int((filling.cells == OUTSIDE).sum()) + against
    return Witness((), grid, boxes, filling, against, astray, 1.0, drawn=True)


def _mended(
    parts: tuple[Grid, Boxes] | None, known: tuple[Grid, Boxes, Filling], lines: Boxes
) -> tuple[Grid, Boxes, Filling]:
    """What was known, where there is nothing to mend."""
    if parts is None or parts[0] is known[0]:
        return known
    filling = fill_exactly(*parts, lines)
    return (*parts, filling) if filling is not None else known


def by_lines(lines: Boxes) -> Witness | None:
    """Of where the lines stand, which nothing then contradicts; nothing makes it likely either."""
    found = lined(lines)
    return None if found is None else Witness((), *found, contradictions=0.0, astray=0, probability=0.0)


def _boxes_of(grid: Grid, answer: Structure, frame: Frame) -> Boxes:
    found = frame.boxes(answer.boxes)
    boxes = np.full((len(grid.places), 4), np.nan)
    named = (grid.sources >= 0) & (grid.sources < len(found))
    boxes[named] = found[grid.sources[named]]
    return boxes


def _covered(lines: Boxes, boxes: Boxes) -> NDArray[np.bool_]:
    """(lines,): whether the middle of each lies in one of the boxes."""
    middles = (lines[:, None, :2] + lines[:, None, 2:]) / 2
    inside = np.all((middles > boxes[:, :2]) & (middles < boxes[:, 2:]), axis=2)
    return np.asarray(np.any(inside, axis=1))


def _judged(grid: Grid, filling: Filling, lines: Boxes) -> tuple[float, int, int]:
    """Cells that are several in truth, by their lines; what is astray (see `Witness`); and of that, rows and columns
    without text."""
    order, number = text_rows(filling.cells, lines)
    merged = int(deep_rows(grid, filling.cells[order], number).sum())
    beside, empty = _side_by_side(order, number, lines), _empty(grid, filling)
    return beside + _MERGED * merged, empty + int((filling.cells == OUTSIDE).sum()) + beside, empty


def _empty(grid: Grid, filling: Filling) -> int:
    filled = np.isin(grid.slots, filling.cells)
    return int((~filled.any(axis=0)).sum() + (~filled.any(axis=1)).sum())


def _side_by_side(order: NDArray[np.intp], number: NDArray[np.intp], lines: Boxes) -> int:
    gaps = lines[order[1:], 0] - lines[order[:-1], 2]
    return int(((number[1:] == number[:-1]) & (gaps > APART)).sum())


def mean_probability(scores: NDArray[np.float32]) -> float:
    """Geometric; what is no probability counts as none."""
    if not len(scores):
        return 0.0
    known = np.nan_to_num(scores.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    return exp(float(np.log(np.clip(known, 1e-9, 1.0)).mean()))
