"""Which cells a table has: a network's tokens, whatever they are, become a grid without overlaps, gaps or bad spans.

Cells are placed as HTML does (each in the first free slot of its row) with three repairs: a column span ends before a
slot already taken, rows and columns in which no cell begins are none, and slots left over become empty cells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]

MOST_ROWS = 256
MOST_COLUMNS = 64
"""The networks see 488 pixels either way: rows under two pixels and columns under eight are nothing they can have read.
What says more is their loop gone wrong, and is rejected."""

_SPAN = re.compile(r"(row|col)span\D{0,2}([0-9]{1,4})")
_WIDEST = 4 * MOST_COLUMNS
"""Room for spans that reach too far and are cut later."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """`places` is (cells, 4): row, column, row span, column span, row by row; together they cover each slot once.

    `sources` is (cells,): the cell of the tokens that this is or was part of, counted from 0, or -1 for a slot that the
    tokens left open.
    `slots` is (rows, columns): the index of the cell that covers it. The first `head_rows` rows are the table's head;
    no cell reaches from there into the body.
    """

    places: Indices
    sources: Indices
    slots: Indices
    head_rows: int

    @property
    def holes(self) -> int:
        return int((self.sources < 0).sum())


@dataclass(slots=True)
class _Cell:
    row: int
    source: int
    row_span: int = 1
    column_span: int = 1
    column: int = 0


def read_grid(tokens: Sequence[str]) -> Grid | None:
    """None where no cell is named, or more rows or columns than a network can see."""
    cells, heads = _cells(tokens)
    if not cells or len(heads) > 2 * MOST_ROWS:
        return None
    if not _place(cells, len(heads)):
        return None
    places = np.array([[cell.row, cell.column, cell.row_span, cell.column_span] for cell in cells], np.intp)
    places, rows, columns = _without_idle(places, len(heads))
    if rows > MOST_ROWS or columns > MOST_COLUMNS:
        return None
    begun = np.unique([cell.row for cell in cells])
    head = _head(places, [heads[row] for row in begun])
    return _filled(places, rows, columns, head)


def _cells(tokens: Sequence[str]) -> tuple[list[_Cell], list[bool]]:
    """Cells in the order of their tokens, and for each row whether it is in the head."""
    cells: list[_Cell] = []
    heads: list[bool] = []
    in_head = False
    for token in tokens:
        if token.startswith(("<thead", "</thead", "<tbody")):
            in_head = token.startswith("<thead")
        elif token.startswith("<tr") or (token.startswith(("<td", "<th")) and not heads):
            heads.append(in_head)
        if token.startswith(("<td", "<th")) and not token.startswith("<thead"):
            cells.append(_Cell(len(heads) - 1, len(cells)))
        for axis, count in _SPAN.findall(token) if cells else ():
            setattr(cells[-1], f"{'row' if axis == 'row' else 'column'}_span", max(1, int(count)))
    return cells, heads


def _place(cells: list[_Cell], rows: int) -> bool:
    """Give each cell its column and the room there is for it; False where a row grows beyond all bounds."""
    taken = np.zeros((rows, _WIDEST), bool)
    for cell in cells:
        free = np.flatnonzero(~taken[cell.row])
        if not len(free):
            return False
        cell.column = int(free[0])
        beyond = np.flatnonzero(taken[cell.row, cell.column :])
        room = int(beyond[0]) if len(beyond) else _WIDEST - cell.column
        cell.column_span = min(cell.column_span, room)
        cell.row_span = min(cell.row_span, rows - cell.row)
        taken[cell.row : cell.row + cell.row_span, cell.column : cell.column + cell.column_span] = True
    return True


def _without_idle(places: Indices, rows: int) -> tuple[Indices, int, int]:
    """The same cells without the rows and columns in which none begins, and how many of either are left."""
    row_of = np.concatenate([[0], np.cumsum(np.isin(np.arange(rows), places[:, 0]))])
    column_of = np.concatenate([[0], np.cumsum(np.isin(np.arange(_WIDEST), places[:, 1]))])
    row, column, row_span, column_span = places.T
    first = np.stack([row_of[row], column_of[column]], axis=1)
    spans = np.stack([row_of[row + row_span], column_of[column + column_span]], axis=1) - first
    return np.concatenate([first, spans], axis=1), int(row_of[-1]), int(column_of[-1])


def headed(grid: Grid, cells: Indices, headings: NDArray[np.bool_]) -> Grid:
    """With the head that its text says: rows from the top whose every line is a heading. `cells`: of the lines."""
    named = np.bincount(grid.places[cells[headings], 0], minlength=len(grid.slots)) > 0
    other = np.bincount(grid.places[cells[~headings & (cells >= 0)], 0], minlength=len(grid.slots)) > 0
    return replace(grid, head_rows=_head(grid.places, (named & ~other).tolist()))


def headed_by_first_row(grid: Grid) -> Grid:
    """With that row, and those its cells reach into, as head; none of a table that is all of these."""
    return replace(grid, head_rows=_head(grid.places, [True] + [False] * (len(grid.slots) - 1)))


def _head(places: Indices, heads: list[bool]) -> int:
    """Rows from the top that the tokens call head, and those their cells reach into; a table all head has none."""
    count = heads.index(False) if False in heads else len(heads)
    reach = 0
    while reach < count:
        reach = count
        count = max([reach, *(places[:, 0] + places[:, 2])[places[:, 0] < reach].tolist()])
    return count if count < len(heads) else 0


def _filled(places: Indices, rows: int, columns: int, head_rows: int) -> Grid:
    open_slots = np.argwhere(_slots(places, rows, columns) < 0)
    holes = np.concatenate([open_slots, np.ones_like(open_slots)], axis=1)
    sources = np.concatenate([np.arange(len(places)), np.full(len(holes), -1)])
    return grid_of(np.concatenate([places, holes]), sources.astype(np.intp), head_rows)


def grid_of(places: Indices, sources: Indices, head_rows: int) -> Grid:
    """Of cells in any order that cover all of it."""
    order = np.lexsort((places[:, 1], places[:, 0]))
    rows, columns = (places[:, :2] + places[:, 2:]).max(axis=0).tolist()
    return Grid(places[order], sources[order], _slots(places[order], rows, columns), head_rows)


def _slots(places: Indices, rows: int, columns: int) -> Indices:
    slots = np.full((rows, columns), -1, np.intp)
    for index, (row, column, row_span, column_span) in enumerate(places.tolist()):
        slots[row : row + row_span, column : column + column_span] = index
    return slots
