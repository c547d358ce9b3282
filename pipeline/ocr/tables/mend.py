"""What the text of the page says against a grid, where it also says what would be right.

Each way of mending answers with another grid and its cells' boxes, or None where there is nothing to mend.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .bands import Bands, nearest, rows_of_text
from .fill import Filling
from .grid import MOST_ROWS, Grid, Indices, grid_of
from .text import APART, Boxes, columns_over, deep_rows, extents, text_rows

_LEVEL = 0.5
"""Heights of a line that text of one row may stand apart."""

_AS_FAR = 0.9
"""The lines of a cell stand closer together than the rows of its table; rows read as one stand as far apart as others,
or nearly."""

_ENTRY_COLUMNS = 3
"""Columns of a table whose entries go on in the next row: with two, the second one is a list."""

_BODY_ROWS = 3
"""Rows of text, at least, in a body without rulings."""

_UNRULED = 0.15
"""Share of a table's rows of text that show columns without rulings, from which there are such columns."""

_SIGN = 1.0
"""Heights of a line: a sign of a currency or a mark beside an amount is no wider, and no column."""

_ONE_COLUMN = 0.9
"""Share of a line in a column that is in none else."""


def parted(grid: Grid, boxes: Boxes, filling: Filling, _lines: Boxes) -> tuple[Grid, Boxes] | None:
    """Empty cells that span columns become one each column.

    Where nothing is printed, networks guess: of 25 kinds of such cells in their answers for 33 tables, the ground truth
    has none.
    """
    blank = ~np.isin(np.arange(len(grid.places)), filling.cells) & (grid.places[:, 3] > 1)
    return _one_each_column(grid, np.where(blank[:, None], np.nan, boxes), blank) if blank.any() else None


def told_apart(grid: Grid, boxes: Boxes, filling: Filling, lines: Boxes) -> tuple[Grid, Boxes] | None:
    """A cell over columns of which each has text of its own in it, apart from the next one's, becomes one each column.

    Rulings down the page often end above the last row.
    """
    column, share = nearest(lines[:, 0], lines[:, 2], filling.columns)
    wide = np.flatnonzero((grid.places[:, 3] > 1) & np.isin(np.arange(len(grid.places)), filling.cells))
    chosen = np.zeros(len(grid.places), np.bool_)
    for cell in wide.tolist():
        inside = filling.cells == cell
        first, span = grid.places[cell, 1], grid.places[cell, 3]
        if share[inside].min() >= _ONE_COLUMN:
            chosen[cell] = _has_columns(lines[inside], column[inside] - first, int(span))
    return _one_each_column(grid, boxes, chosen, filling.columns) if chosen.any() else None


def _has_columns(lines: Boxes, column: Indices, count: int) -> bool:
    """Whether lines stand in each of so many columns, apart from those of the next."""
    left, right = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(left, column, lines[:, 0])
    np.maximum.at(right, column, lines[:, 2])
    return bool(np.isfinite(left).all() and (left[1:] - right[:-1] > APART).all())


def _one_each_column(
    grid: Grid, boxes: Boxes, chosen: NDArray[np.bool_], columns: Bands | None = None
) -> tuple[Grid, Boxes]:
    """Instead of each cell chosen; `columns`: where these are, if that is known."""
    counts = np.where(chosen, grid.places[:, 3], 1)
    origin = np.repeat(np.arange(len(counts)), counts)
    parts = chosen[origin]
    places, boxes = grid.places[origin], boxes[origin]
    places[:, 1] += np.arange(len(origin)) - np.repeat(np.cumsum(counts) - counts, counts)
    places[parts, 3] = 1
    if columns is not None:
        boxes[parts, ::2] = columns[places[parts, 1]]
    return _regrid(grid, places, origin, boxes)


def taken_apart(grid: Grid, boxes: Boxes, filling: Filling, lines: Boxes) -> tuple[Grid, Boxes] | None:
    """A row whose every cell holds the same rows of text, as far apart as the rows around, becomes a row for each.

    Not where another row is left without text: there, the lines are in the wrong rows.
    """
    order, number = text_rows(filling.cells, lines)
    deep = np.flatnonzero(deep_rows(grid, filling.cells[order], number))
    if not len(deep) or not np.isin(grid.slots, filling.cells).any(axis=1).all():
        return None
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    owners = filling.cells[order[starts]]
    heights = extents(order, number, lines)
    found = [(row, _several(grid, row, owners, heights)) for row in deep.tolist()]
    low = grid.places[:, 2] == 1
    boxes = boxes.copy()
    boxes[low, 1::2] = filling.rows[grid.places[low, 0]]  # where rows were found to lie: it needn't be found again
    for row, parts in reversed(found):  # from the bottom: cells further up keep their numbers
        if parts is not None and len(grid.slots) + parts.shape[1] - 1 <= MOST_ROWS:
            grid, boxes = _split(grid, boxes, row, parts)
    return grid, boxes


def continued(grid: Grid, boxes: Boxes, filling: Filling, lines: Boxes) -> tuple[Grid, Boxes] | None:
    """A row that holds text in one column only goes on with the row above, where every other row names its entry in the
    first column: on a statement of account, a payment has lines of text below one another."""
    filled = _filled_slots(grid, filling, lines)
    if grid.slots.shape[1] < _ENTRY_COLUMNS or len(grid.slots) <= grid.head_rows + 1:
        return None
    low = (grid.places[:, 2:] == 1).all(axis=1)[grid.slots]
    below = np.arange(len(grid.slots)) > max(1, grid.head_rows)
    goes_on = below & (filled.sum(axis=1) == 1) & ~filled[:, 0] & low.all(axis=1)
    above = np.maximum.accumulate(np.where(goes_on, 0, np.arange(len(grid.slots))))
    goes_on &= (filled[above] & low[above] | ~filled).all(axis=1)
    entries = filled[~goes_on, 0]
    if not goes_on.any() or not entries[max(1, grid.head_rows) :].all() or goes_on.sum() > entries.sum():
        return None
    kept = ~goes_on[grid.places[:, 0]]
    places, ends = grid.places.copy(), boxes.copy()
    for row in np.flatnonzero(goes_on).tolist():
        own, other = grid.slots[above[row]], grid.slots[row]
        ends[own, 3] = np.fmax(ends[own, 3], boxes[other, 3])
    places[:, 0] -= np.cumsum(goes_on)[places[:, 0]]
    return _regrid(grid, places[kept], np.flatnonzero(kept), ends[kept])


def _filled_slots(grid: Grid, filling: Filling, lines: Boxes) -> NDArray[np.bool_]:
    """(rows, columns): where text stands; a line that was found over several columns stands in each."""
    filled = np.isin(grid.slots, np.unique(filling.cells[filling.cells >= 0]))
    inside = np.flatnonzero(filling.cells >= 0)
    over = columns_over(filling.columns, lines[inside])
    np.logical_or.at(filled, grid.places[filling.cells[inside], 0], over)
    return filled


def unruled_body(grid: Grid, filling: Filling, lines: Boxes) -> bool:
    """Whether one row holds most of a table's rows of text, several in each of its cells: rulings part the head from
    the body, and nothing in the body. Where several rows hold as many, their cells hold several lines."""
    order, number = text_rows(filling.cells, lines)
    deep = np.flatnonzero(deep_rows(grid, filling.cells[order], number))
    if len(deep) != 1:
        return False
    rows = grid.places[filling.cells[order], 0]
    depths = [len(rows_of_text(lines[order[rows == row]])) for row in np.unique(rows).tolist()]
    body = len(rows_of_text(lines[order[rows == deep[0]]]))
    return body >= _BODY_ROWS and 2 * body >= sum(depths)


def unruled_rows(cells: Indices, lines: Boxes) -> int:
    """Rows of text, over all cells, that show a column which no ruling parts: all rows of text in the cell have a gap
    at the same place, with more than a sign on either side. 0 where only few rows of the table have such gaps: words of
    justified text stand apart as well, but not in the last line, and not at the same place."""
    order, number = text_rows(cells, lines)
    found = 0
    for cell in np.unique(cells[order]).tolist():
        rows = [lines[order[number == row]] for row in np.unique(number[cells[order] == cell]).tolist()]
        gaps = [_gaps(row) for row in rows]
        low, high = gaps[0]
        for other_low, other_high in gaps[1:]:
            low = np.maximum(low[:, None], other_low).ravel()
            high = np.minimum(high[:, None], other_high).ravel()
        found += len(rows) if ((high - low) > APART).any() else 0
    return found if found >= max(2, _UNRULED * len(np.unique(number))) else 0


def _gaps(row: Boxes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where gaps between the lines of a row of text begin and end, from left to right."""
    wide = row[:, 2] - row[:, 0] > _SIGN
    ends, begins = np.maximum.accumulate(row[:-1, 2]), row[1:, 0]
    between = (begins - ends > APART) & np.maximum.accumulate(wide)[:-1] & np.maximum.accumulate(wide[::-1])[::-1][1:]
    return ends[between], begins[between]


def _several(grid: Grid, row: int, owners: Indices, heights: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """(cells that are one row high, rows of text, 2): top and bottom of the rows that `row` is in truth, if any."""
    inside = [heights[owners == cell] for cell in _low_cells(grid, row)]
    if len(inside) < 2 or len({len(texts) for texts in inside}) > 1:
        return None
    parts = np.array(inside)
    level = np.ptp(parts.mean(axis=2), axis=0).max() <= _LEVEL
    middles = parts.mean(axis=(0, 2))
    beside = np.concatenate([_low_cells(grid, row - 1), _low_cells(grid, row + 1)])
    around = heights[np.isin(owners, beside)].mean(axis=1)
    gaps = np.concatenate([middles[0] - around[around < middles[0]], around[around > middles[-1]] - middles[-1]])
    return parts if level and len(gaps) and np.diff(middles).min() >= _AS_FAR * gaps.min() else None


def _low_cells(grid: Grid, row: int) -> Indices:
    return np.flatnonzero((grid.places[:, 0] == row) & (grid.places[:, 2] == 1))


def _split(grid: Grid, boxes: Boxes, row: int, parts: NDArray[np.float64]) -> tuple[Grid, Boxes]:
    depth = parts.shape[1]
    cells = _low_cells(grid, row)
    places = grid.places.copy()
    across = (places[:, 0] <= row) & (places[:, 0] + places[:, 2] > row)
    across[cells] = False
    places[across, 2] += depth - 1
    places[places[:, 0] > row, 0] += depth - 1
    counts = np.ones(len(places), np.intp)
    counts[cells] = depth
    origin = np.repeat(np.arange(len(counts)), counts)
    split = np.isin(origin, cells)
    places, boxes = places[origin], boxes[origin]
    places[split, 0] += np.tile(np.arange(depth), len(cells))
    boxes[split, 1::2] = parts.reshape(-1, 2)
    return _regrid(grid, places, origin, boxes)


def _regrid(grid: Grid, places: Indices, origin: Indices, boxes: Boxes) -> tuple[Grid, Boxes]:
    """`origin`: which cell of `grid` each of `places` was."""
    numbered = grid_of(places, np.arange(len(places)), grid.head_rows)
    order = numbered.sources
    return replace(numbered, sources=grid.sources[origin[order]]), boxes[order]
