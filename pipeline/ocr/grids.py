"""Which lines of a page stand in so clear a grid that it is a table, whatever a layout network says of it.

In three columns or more, cells stand one below the other over several rows. Index entries, addresses, the fields of a
form and columns of text do so too, but begin at one place and end anywhere. Tables have columns of numbers, dates and
codes, which are short, and end at one place or have their middles there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .geometry import Polygons
from .layout import Region
from .links import Links, linked_columns, links_of
from .reading_frame import Floats, Frame, Order
from .regions import box_around

_SCORE = 0.5
"""As sure as a network must be to be believed."""

_ROWS = 4
_COLUMNS = 3
_FLUSH_CELLS = 12
"""Cells in flush columns: six rows with two of them, or four with three. Heads of letters, where addresses stand beside
dates and numbers, have up to ten. From 12 on, grids are found on 2 of 61 receipts, and on 6 from 8 on; in 55 PDFs it is
25 and 31, all but one of them in what the layout network calls tables too."""

_FLUSH = 0.75
"""Of a flush column's cells, so many end where the next does, or have their middles there; a head often doesn't."""

_SHORT = 8.0
"""Width, in heights and in the median, of what is in a flush column; amounts and dates are 2 to 6."""

_PRINT = 10.0
"""Columns of print are so wide and wider, in newspapers too; so are some descriptions of articles."""

_IN_ROWS = 0.85
"""Of the lines of such a column, so many stand in the table's rows, or it is another column of print."""

_CELL_LINES = 8
"""Lines of one cell that are looked at."""

_SAME_CELL = 0.8
"""What stands nearer below the last row than this share of the way to a next one goes on in a cell of it."""

_HEAD_APART = 1.5
"""A head stands at most so much farther from the first row than rows do from each other."""

_HEAD_ROWS = 3
"""Rows that a head has at most; what goes on above is something else."""

_CELL_APART = 12.0
"""Heights of a line between two grids that are one: `_CELL_LINES` lines and the room between them."""

MOST_LINES = 2000
"""On a page with more there is hardly a table that is no more than lines, and looking for one takes seconds."""

_NONE = np.zeros(0, np.intp)

Rows = Sequence[Sequence[int]]


def grids(polygons: Polygons, frame: Frame, rows: Rows) -> list[Region]:
    """Tables from top to bottom. `frame` and `rows` are those of `polygons`."""
    if not _ROWS * _COLUMNS <= len(polygons) <= MOST_LINES:
        return []
    links = links_of(frame)
    found = [_cells(run, rows, links, frame) for run in _runs(rows, links)]
    whole = _joined([cells for cells in found if len(cells)], frame)
    return [Region("table", box_around(polygons[cells]), _SCORE) for cells in whole]


def _joined(found: Sequence[Order], frame: Frame) -> list[Order]:
    """Grids that a cell of many lines, or a wide one, keeps apart are one: they begin and end at the same places, and
    no line between them lies over two cells, as a caption does."""
    tables: list[Order] = []
    for cells in found:
        above = next((place for place, table in enumerate(tables) if _goes_on(frame, table, cells)), None)
        if above is None:
            tables.append(cells)
        else:
            tables[above] = np.union1d(tables[above], cells)
    return tables


def _goes_on(frame: Frame, above: Order, below: Order) -> bool:
    begin, end, _, bottom = frame.of(above).around()
    left, right, top, _ = frame.of(below).around()
    height = float(np.median(frame.height[below]))
    if max(abs(left - begin), abs(right - end)) > height or top - bottom > _CELL_APART * height:
        return False
    first = below[frame.middle[below] < top + height]
    between = (frame.middle > bottom) & (frame.middle < top) & (frame.right > left) & (frame.left < right)
    over = (frame.right[between, None] > frame.left[first]) & (frame.left[between, None] < frame.right[first])
    return not np.any(over.sum(axis=1) > 1)


def _runs(rows: Rows, links: Links) -> Iterator[list[int]]:
    """Rows that go on in one another in enough columns. Rows of fewer may stand between: cells have several lines."""
    row_of = {line: place for place, row in enumerate(rows) if len(row) >= _COLUMNS for line in row}
    following: dict[int, int] = {}
    for place in sorted(set(row_of.values())):
        below = [_next_in(row_of, line, links) for line in rows[place]]
        for target, count in Counter(row for row in below if row is not None).most_common(1):
            if count >= _COLUMNS and target > place:
                following[place] = target
    for first in sorted(following):
        run = [first]
        while run[-1] in following:
            run.append(following.pop(run[-1]))
        if len(run) >= _ROWS:
            yield run


def _next_in(row_of: Mapping[int, int], line: int, links: Links) -> int | None:
    """The row that a line's column goes on in."""
    for _ in range(_CELL_LINES):
        line = int(links.below[line])
        if line in row_of:
            return row_of[line]
        if line < 0:
            break
    return None


def _cells(run: Sequence[int], rows: Rows, links: Links, frame: Frame) -> Order:
    """The lines of a grid with its head; none if it isn't clear."""
    own = np.zeros(len(frame), np.bool_)
    own[[line for place in run for line in rows[place]]] = True
    heights = _heights(run, rows, frame)
    end = heights[-1] + _SAME_CELL * np.median(np.diff(heights))
    inside = (frame.middle > frame.top[own].min()) & (frame.middle < end)
    aspects = frame.width / frame.height
    columns, flush = [], 0
    for column in linked_columns(links, inside):
        kept, width = own[column].sum(), np.median(aspects[column])
        if 2 * kept < max(len(column), _ROWS if width < _PRINT else len(run)):
            continue
        if width < _PRINT or kept >= _IN_ROWS * len(column):
            columns.append(column)
            flush += len(column) if width < _SHORT and links.flush[column[:-1]].mean() >= _FLUSH else 0
    if len(columns) < _COLUMNS or flush < _FLUSH_CELLS:
        return _NONE
    cells = np.concatenate(columns)
    left, right, _, _ = frame.of(cells).around()
    beside = (frame.right < left) | (frame.left > right)
    if 2 * (inside & ~own & beside & (aspects < _SHORT)).sum() >= len(run):
        return _NONE
    return np.array([*cells, *_head(run, rows, cells, frame)], np.intp)


def _head(run: Sequence[int], rows: Rows, cells: Order, frame: Frame) -> list[int]:
    """The rows right above, as long as each cell of theirs stands over one column: a head may be aligned otherwise."""
    left, right, _, _ = frame.of(cells).around()
    heights = _heights(run, rows, frame)
    apart = _HEAD_APART * float(np.median(np.diff(heights)))
    first, last = list(rows[run[0]]), float(heights[0])
    head: list[int] = []
    rows_above = 0
    for row in reversed(rows[: run[0]]):
        above = [line for line in row if frame.right[line] > left and frame.left[line] < right]
        if not above:
            continue
        over = np.minimum(frame.right[above][:, None], frame.right[first]) > np.maximum(
            frame.left[above][:, None], frame.left[first]
        )
        height = float(np.median(frame.middle[above]))
        if last - height > apart or len(above) < 2 or over.sum() < 2 or max(over.sum(0).max(), over.sum(1).max()) > 1:
            break
        head, last, rows_above = [*head, *above], height, rows_above + 1
        if rows_above == _HEAD_ROWS:
            break
    return head


def _heights(run: Sequence[int], rows: Rows, frame: Frame) -> Floats:
    """Where the rows of a run stand."""
    return np.array([np.median(frame.middle[list(rows[place])]) for place in run])
