"""Where the rows and columns of a grid lie: bands from the network's boxes, moved to where the text is.

One box may be far off; the median of a row's or column's boxes seldom is. What is left is a drift that all rows share:
the networks see a table 488 pixels high, so their boxes may lie half a line too high and be a little too short.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .grid import Grid, Indices
from .text import Boxes

Bands = NDArray[np.float64]
"""(n, 2): where each row (or column) begins and ends, in reading order, down (or across) the page."""

ROWS, COLUMNS = 0, 1
"""The axis: which column of `Grid.places` counts along it, and which side of it a box has at 1 - axis."""

_LEVEL, _HIGH = 0.5, 1.6
"""Heights of a line that the middles of two that follow one another in a row are apart at most, and that each has."""

_ROUNDS = 3
"""A row's drift is known when its lines are, and its lines when its drift is: so both are guessed in turns."""


def bands(grid: Grid, boxes: Boxes, axis: int) -> Bands | None:
    """Medians over the cells that begin or end there, those of span one before all; NaN boxes count for nothing."""
    first, span = grid.places[:, axis], grid.places[:, axis + 2]
    known = np.isfinite(boxes.sum(axis=1))
    found = np.stack(
        [
            _medians(first, boxes[:, 1 - axis], known, span == 1, grid.slots.shape[axis]),
            _medians(first + span - 1, boxes[:, 3 - axis], known, span == 1, grid.slots.shape[axis]),
        ],
        axis=1,
    )
    if np.isnan(found).all(axis=0).any():
        return None
    return np.sort(np.stack([_between(side) for side in found.T], axis=1), axis=1)


def _medians(
    places: Indices, values: NDArray[np.float64], known: NDArray[np.bool_], single: NDArray[np.bool_], count: int
) -> NDArray[np.float64]:
    medians = np.full(count, np.nan)
    for wanted in (known, known & single):
        order = np.flatnonzero(wanted)[np.argsort(places[wanted], kind="stable")]
        numbers, starts = np.unique(places[order], return_index=True)
        for number, members in zip(numbers, np.split(values[order], starts[1:]), strict=False):
            medians[number] = np.median(members)
    return medians


def _between(values: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(values)
    places = np.arange(len(values))
    return np.asarray(np.interp(places, places[known], values[known]))


def nearest(starts: NDArray[np.float64], ends: NDArray[np.float64], to: Bands) -> tuple[Indices, NDArray[np.float64]]:
    """For each interval the band that covers most of it, or lies nearest; and the share covered.

    Less than zero: how many of its own lengths it is away from the band.
    """
    lengths = np.maximum(ends - starts, 1e-9)[:, None]
    covered = (np.minimum(ends[:, None], to[:, 1]) - np.maximum(starts[:, None], to[:, 0])) / lengths
    apart = np.abs((starts + ends)[:, None] - to.sum(axis=1)) / lengths
    best = (covered - 1e-3 * apart).argmax(axis=1)  # of bands that cover it alike, the one with the nearer middle
    return best, covered[np.arange(len(best)), best]


def rows_of_text(lines: Boxes) -> Bands:
    """Where lines of usual height stand on a level; what is higher, as two found as one are, is in none."""
    lines = lines[lines[:, 3] - lines[:, 1] <= _HIGH]
    if not len(lines):
        return np.zeros((0, 2))
    order = np.argsort(lines[:, 1] + lines[:, 3], kind="stable")
    middles = (lines[order, 1] + lines[order, 3]) / 2
    starts = np.flatnonzero(np.diff(middles, prepend=-np.inf) > _LEVEL)
    tops, bottoms = np.minimum.reduceat(lines[order, 1], starts), np.maximum.reduceat(lines[order, 3], starts)
    return np.stack([tops, bottoms], axis=1)


def to_text(rows: Bands, columns: Bands, grid: Grid, lines: Boxes) -> Bands:
    """`rows` moved and stretched, as a whole, so that they cover the lines that are nearest to them.

    Only what sticks out of a row counts: a row larger than its text may hold it anywhere.
    """
    column, _ = nearest(lines[:, 0], lines[:, 2], columns)
    for _ in range(_ROUNDS):
        row, _ = nearest(lines[:, 1], lines[:, 3], rows)
        rows = rows + _drift(rows, grid, lines, grid.slots[row, column])[:, None]
    return rows


def _drift(rows: Bands, grid: Grid, lines: Boxes, cells: Indices) -> NDArray[np.float64]:
    """How far each row is to be moved: the line (Theil and Sen's, few wrong cells don't turn it) through the cells."""
    top, bottom = np.full(len(grid.places), np.inf), np.full(len(grid.places), -np.inf)
    np.minimum.at(top, cells, lines[:, 1])
    np.maximum.at(bottom, cells, lines[:, 3])
    filled = np.flatnonzero((grid.places[:, 2] == 1) & (bottom > -np.inf))
    if not len(filled):
        return np.zeros(len(rows))
    row = grid.places[filled, 0]
    out = np.maximum(bottom[filled] - rows[row, 1], 0) - np.maximum(rows[row, 0] - top[filled], 0)
    middles = np.asarray(rows.mean(axis=1))
    seen = np.unique(row)
    drifts = np.array([np.median(out[row == number]) for number in seen])
    slope = _slope(middles[seen], drifts)
    return float(np.median(drifts - slope * middles[seen])) + slope * middles


def _slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Median slope of all pairs."""
    left, right = np.triu_indices(len(x), 1)
    apart = x[right] - x[left]
    usable = np.abs(apart) > 1e-9
    return float(np.median((y[right] - y[left])[usable] / apart[usable])) if usable.any() else 0.0
