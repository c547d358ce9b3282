"""Which regions of a page are tables: the network's own, and what it took for something else but is a grid.

A grid is short lines in rows and columns. It decides where the network is of two minds, or calls a whole page a table.
Only where lines stand is asked for, not what they say, so that it can be told before anything is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, pairwise

import numpy as np

from .geometry import Polygons
from .grids import MOST_LINES, grids
from .layout import Region
from .reading_frame import Frame, Order, direction_of
from .regions import INSIDE, SAME, coverage, distinct, is_sound, lines_in, overlap, surest
from .rows import rows_of
from .table_parts import table_parts

_TABLE_SCORE = 0.5
_GRID_SCORE = 0.4
"""What is a grid has the grid to speak for it as well."""

_GRID_KINDS = ("figure", "list", "equation", "table")
"""What grids are taken for; to the network, a list is a bibliography: many short lines below one another."""

_TABLE_LINES = 4
_MOST_REGIONS = 100
"""The surest are looked at; pages have ten or twenty."""

_GRID_ROWS = 3
_GRID_SHARE = 0.85
"""Of a grid's rows, so many have two cells or more. Where receipts are taken for figures it is 0.83 at most, and below
0.6 but for four of them (61 receipts); in three tables taken for figures it is 0.9 and more."""

_GRID_ASPECT = 8.0
"""Lines that are wider than this, in their own heights and in the median, are columns of running text."""

_CELL_ASPECT = 15.0
"""The same of columns that a table was said to lack: descriptions, say, which are longer than numbers. Lines of running
text in two columns are 20 times and more."""

_APART = ("figure", "equation", "caption")
"""What a table beside another is taken for where it isn't found, if the network believes that: columns that a table
lacks are running text to it."""

_GRID_EXTENT = 0.6
"""Share of the region, either way, that the grid spans."""

_HEADINGS = 3
"""So many lines across the columns, before the first row of several cells or after the last, are no title or note of a
table: it is a page with a table somewhere in it. In 92 tables of two corpora there are two at most; receipts taken for
tables begin with five and more."""


def table_regions(regions: Sequence[Region], polygons: Polygons) -> list[Region]:
    """Tables, the network's first, each place once. Grids that it took for something else, or didn't see, come back as
    `table`; a region that holds several tables, as those."""
    sound = surest(filter(is_sound, regions))[:_MOST_REGIONS]
    held = [polygons[share >= INSIDE] for share in coverage(sound, polygons)]
    tables, likely = [], []
    for region, lines in zip(sound, held, strict=True):
        if _is_table(region, lines, sound):
            tables.append(region)
        elif region.kind in _GRID_KINDS and region.score >= _GRID_SCORE and _is_grid(lines, region):
            likely.append(replace(region, kind="table"))
    if not tables and not likely and len(polygons) > MOST_LINES:
        return []
    frame = direction_of(polygons).frame(polygons)
    rows = rows_of(frame)
    grown = (_grown(grid, polygons, rows) for grid in distinct(surest(likely)))
    seen = distinct(chain(surest(tables), grown))
    free = np.asarray((coverage(seen, polygons) < INSIDE).all(axis=0))
    alone = (grid for grid in grids(polygons, frame, rows) if free[lines_in(grid, polygons)].mean() >= _GRID_SHARE)
    found = distinct(chain(seen, alone))
    apart = [*found, *(region for region in sound if region.kind in _APART and region.score >= _TABLE_SCORE)]
    wide = distinct(_widened(region, apart, polygons, rows) for region in found)
    return [part for region in wide for part in table_parts(region, polygons)]


def _is_table(region: Region, lines: Polygons, others: Sequence[Region]) -> bool:
    """The network says so, is not surer of something else there, and the lines don't speak against it."""
    if region.kind != "table" or region.score < _TABLE_SCORE or len(lines) < _TABLE_LINES:
        return False
    rivals = (other for other in others if other.kind in _GRID_KINDS and other.score > region.score)
    return all(overlap(region, other) < SAME for other in rivals) and not _has_headings(lines)


def _has_headings(polygons: Polygons) -> bool:
    """Whether rows of several cells come only after, or end before, `_HEADINGS` lines that lie across their columns."""
    frame = direction_of(polygons).frame(polygons)
    rows = rows_of(frame)
    several = [place for place, row in enumerate(rows) if len(row) > 1]
    if not several:
        return False
    gaps = [[(frame.right[a] + frame.left[b]) / 2 for a, b in pairwise(rows[place])] for place in several]
    ends = (rows[: several[0]], rows[several[-1] + 1 :])
    return any(sum(_lies_across(frame, line, gaps) for (line,) in end) >= _HEADINGS for end in ends)


def _lies_across(frame: Frame, line: int, gaps: Sequence[Sequence[float]]) -> bool:
    """Over a gap between cells of half of the rows."""
    crossed = sum(any(frame.left[line] < gap < frame.right[line] for gap in row) for row in gaps)
    return 2 * crossed >= len(gaps)


def _is_grid(polygons: Polygons, region: Region) -> bool:
    """Short lines in rows, nearly all of several cells that stand one below the other, over most of the region."""
    if len(polygons) < 2 * _GRID_ROWS:
        return False
    frame = direction_of(polygons).frame(polygons)
    rows = rows_of(frame)
    several = [row for row in rows if len(row) > 1]
    if len(several) < max(_GRID_ROWS, _GRID_SHARE * (len(rows) - _heads(frame, rows))):
        return False
    cells = np.array(sorted(chain.from_iterable(several)), np.intp)
    return (
        float(np.median(frame.width / frame.height)) < _GRID_ASPECT
        and _extent(polygons[cells], region) >= _GRID_EXTENT
        and _aligned(frame, cells)
    )


def _heads(frame: Frame, rows: Sequence[Sequence[int]]) -> int:
    """Rows of one cell that begins beyond the first column: the head of several columns, or their unit."""
    second = [frame.left[row[1]] for row in rows if len(row) > 1]
    return sum(len(row) == 1 and frame.left[row[0]] > np.median(second) for row in rows) if second else 0


def _grown(grid: Region, polygons: Polygons, rows: Sequence[Sequence[int]]) -> Region:
    """With the rows of several cells right above and below it: where a table is taken for a figure, its head often is
    taken for something else. A caption is one cell, and stays outside."""
    low, high = polygons.min(axis=1), polygons.max(axis=1)
    height = float(np.median(high[:, 1] - low[:, 1]))
    x0, y0, x1, y1 = grid.box
    across = (low[:, 0] < x1) & (high[:, 0] > x0)
    for row in [*reversed(rows), *rows]:
        cells = [line for line in row if across[line]]
        if len(cells) < 2:
            continue
        top, bottom = float(low[cells, 1].min()), float(high[cells, 1].max())
        if top <= y1 + height and bottom >= y0 - height:
            y0, y1 = min(y0, top), max(y1, bottom)
    return replace(grid, box=(x0, y0, x1, y1))


def _widened(table: Region, apart: Sequence[Region], polygons: Polygons, rows: Sequence[Sequence[int]]) -> Region:
    """With the columns beside it: where nearly all of its rows go on in short lines, and nothing else stands there.
    What is in a region of `apart` is another thing's."""
    low, high = polygons.min(axis=1), polygons.max(axis=1)
    own = coverage([table], polygons)[0] >= INSIDE
    free = (coverage(apart, polygons) < INSIDE).all(axis=0)
    if not own.any():
        return table
    level = (low[:, 1] < high[own, 1].max()) & (high[:, 1] > low[own, 1].min())
    ours = [row for row in rows if own[list(row)].any()]
    x0, y0, x1, y1 = table.box
    for beside in (high[:, 0] <= low[own, 0].min(initial=x1), low[:, 0] >= high[own, 0].max(initial=x0)):
        there = free & level & beside
        going_on = [row for row in ours if there[list(row)].any()]
        lines = np.array([line for row in going_on for line in row if there[line]], np.intp)
        if len(going_on) < max(_GRID_ROWS, _GRID_SHARE * len(ours)) or len(lines) < _GRID_SHARE * there.sum():
            continue
        across, down = (high - low)[lines].T
        if float(np.median(across / down)) < _CELL_ASPECT:
            x0, x1 = min(x0, float(low[lines, 0].min())), max(x1, float(high[lines, 0].max()))
    return replace(table, box=(x0, y0, x1, y1))


def _extent(polygons: Polygons, region: Region) -> float:
    corners = polygons.reshape(-1, 2)
    x0, y0, x1, y1 = region.box
    return float(((corners.max(axis=0) - corners.min(axis=0)) / (x1 - x0, y1 - y0)).min())


def _aligned(frame: Frame, cells: Order) -> bool:
    """Most cells begin, end or have their middle where another one has."""
    here = frame.of(cells)
    close = np.median(here.height) / 2
    places = (here.left, here.right, (here.left + here.right) / 2)
    alike = np.any([np.abs(place[:, None] - place[None]) <= close for place in places], axis=0)
    np.fill_diagonal(alike, val=False)
    return bool(alike.any(axis=1).mean() >= _GRID_SHARE)
