"""Several tables that a layout network took for one: where one ends and the next begins.

There is a gap, clearly larger than between rows; and behind it the head comes again, or other columns do, below a
heading or beside a note. A gap alone is none of a table's ends: totals stand apart, and groups of rows do.

It is much worse to part a table than to leave two joined. With a blank row put before each of its rows in turn, or that
row made a heading, one in 4 608 is parted (the tables found in 33 crops, four reports and 87 drawn pages).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, pairwise

import numpy as np

from .columns import across, columns_of, in_gaps, is_foreign
from .geometry import Polygons
from .layout import Region
from .reading_frame import Floats, Frame, Order, direction_of
from .regions import box_around, lines_in
from .rows import rows_of

_GAP = 1.6
"""Times that a gap is larger than nine in ten of those above it, and than most below. A blank row makes it 2."""

_LIKE_IT = 0.8
"""A part below ends at the next gap that is nearly as large."""

_ROWS = 3
"""Rows of several cells that a table has."""

_NEW = 2
"""Columns that stand between those above, if there are so many, are of another table; one may be a column of notes."""

_CELLS = 3
_ALIKE = 0.25
_UNLIKE = 2.0
"""A head that comes again is known by so many cells. Their sides are off by no more heights of a line; those of any
other row are by more, and so many times farther."""

_FILLED = 0.85
_RUNNING = 8.0
"""A note beside totals has lines in fewer of the rows, or they are wider than that, in their heights."""

Rows = Sequence[Sequence[int]]


def table_parts(region: Region, polygons: Polygons) -> list[Region]:
    """The tables in a region of kind `table`, from top to bottom; itself, if it is one. Headings between them are in
    none, nor is what follows a table and is none."""
    places = lines_in(region, polygons)
    lines = polygons[places]
    if len(lines) < 2 * _ROWS:
        return [region]
    frame = direction_of(lines).frame(lines)
    rows = rows_of(frame)
    cuts = _cuts(frame, rows)
    if not cuts:
        return [region]
    split = [rows[begin:end] for begin, end in pairwise([0, *cuts, len(rows)])]
    held = [part for above, below in pairwise([[], *split]) if len(part := _table(frame, below, above))]
    tables = [replace(region, box=box_around(lines[part])) for part in held]
    alone = map(np.array_equal, (lines_in(table, polygons) for table in tables), (places[part] for part in held))
    return tables if all(alone) else [region]


def _cuts(frame: Frame, rows: Rows) -> list[int]:
    """The rows before which a table ends."""
    steps = np.diff([frame.middle[list(row)].mean() for row in rows])
    several = _several(rows)
    cuts: list[int] = []
    first = several[0] if several else len(rows)
    for place in range(first + _ROWS, len(rows)):
        head = next((row for row in several if row >= place), len(rows))
        if head == len(rows) or not _is_gap(steps, first, place) or not _is_clear(frame, rows, place):
            continue
        wide = np.flatnonzero(steps[head:] >= _LIKE_IT * steps[place - 1])
        end = head + 1 + int(wide[0]) if len(wide) else len(rows)
        above, below = rows[first:place], rows[head:end]
        if _is_again(frame, above, below) or _is_other(frame, above, below, headed=head > place):
            cuts.append(place)
            first = head
    return cuts


def _is_gap(steps: Floats, first: int, place: int) -> bool:
    """Behind at least `_ROWS` rows."""
    above, below = steps[first : place - 1], steps[place:]
    if len(above) < _ROWS - 1 or not len(below):
        return False
    usual = max(float(np.quantile(above, 0.9)), float(np.median(below)))
    return bool(steps[place - 1] >= _GAP * usual)


def _is_clear(frame: Frame, rows: Rows, place: int) -> bool:
    """No line reaches over the gap."""
    above, below = (list(chain.from_iterable(part)) for part in (rows[:place], rows[place:]))
    return bool(frame.bottom[above].max() <= frame.top[below].min())


def _is_again(frame: Frame, above: Rows, below: Rows) -> bool:
    """The row below is the head above, and no other row is much like it."""
    if min(len(_several(above)), len(_several(below))) < _ROWS:
        return False
    head, again, *others = above[0], below[0], *above[1:], *below[1:]
    off = _difference(frame, head, again)
    return off <= _ALIKE and all(_difference(frame, head, row) > max(_ALIKE, _UNLIKE * off) for row in others)


def _difference(frame: Frame, one: Sequence[int], other: Sequence[int]) -> float:
    """Heights of a line by which a side of a cell is off, at most; infinite where there aren't as many cells."""
    if len(one) != len(other) or len(one) < _CELLS:
        return float("inf")
    a, b = (np.stack([frame.left[list(row)], frame.right[list(row)]]) for row in (one, other))
    return float(np.abs(a - b - np.median(a - b)).max() / np.median(frame.height))


def _is_other(frame: Frame, above: Rows, below: Rows, *, headed: bool) -> bool:
    """Other columns stand below a heading, or beside a note: a line across the columns above."""
    several = len(_several(above))
    before = [column for column in columns_of(frame, above) if 2 * len(column.cells) >= several]
    if several < _ROWS or sum(column.is_known for column in before) < 2:
        return False
    lines, after = list(chain.from_iterable(below)), columns_of(frame, below)
    if not headed and (across(frame, before)[lines] < 2).all():
        return False
    height = float(np.median(frame.height))
    if headed and len(_several(below)) >= _ROWS and in_gaps(frame, above, after) >= _NEW:
        return True
    least = _ROWS if headed else _ROWS - 1
    return any(len(column.cells) >= least and is_foreign(column, before, height) for column in after)


def _table(frame: Frame, rows: Rows, above: Rows) -> Order:
    """Its lines, without a note beside it and headings above it, of which the first stands below `above`. None, if
    that is no table."""
    left_out = _note(frame, rows, above)
    rows = [kept for kept in ([line for line in row if line not in left_out] for row in rows) if kept]
    several = _several(rows)
    if len(several) < _ROWS:
        return np.zeros(0, np.intp)
    second = float(np.median([frame.left[rows[place][1]] for place in several]))
    heads = [row for row in rows[bool(above) : several[0]] if frame.left[row[0]] > second]
    return np.array(sorted(chain.from_iterable([*heads, *rows[several[0] :]])), np.intp)


def _note(frame: Frame, rows: Rows, above: Rows) -> set[int]:
    """Lines at the left or right of totals that lie across the columns above: text, or in few of the rows. Below a
    heading they are a column."""
    columns = columns_of(frame, rows)
    if not above or len(rows[0]) < 2 or len(columns) <= 2:
        return set()
    over = across(frame, columns_of(frame, above)) > 1
    lines = np.array(list(chain.from_iterable(rows)), np.intp)
    for beside in (lines[frame.right[lines] <= columns[1].left], lines[frame.left[lines] >= columns[-2].right]):
        note = set(beside.tolist())
        others = [row for row in rows if len(set(row) - note) > 1]
        filled = sum(not note.isdisjoint(row) for row in others)
        text = np.median((frame.width / frame.height)[beside]) >= _RUNNING if note else False
        if 2 * over[beside].sum() > len(note) and (text or filled < _FILLED * len(others)):
            return note
    return set()


def _several(rows: Rows) -> list[int]:
    """Those of several cells."""
    return [place for place, row in enumerate(rows) if len(row) > 1]
