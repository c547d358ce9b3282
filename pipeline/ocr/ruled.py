"""What the rules drawn on a page say of a table: where they close its cells on all sides, they leave nothing to guess.

A table in a cell of another has rules of its own: where it lies is told, but its text is that of the cell.
"""

from __future__ import annotations

from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Image, Polygons
from .rules import SAME, Places, Segments, rules_around
from .tables.structure import Structure

_WALL = 0.6
"""Share of a cell's side that is ruled where it has one."""

_INSIDE = 0.9
"""Share of a table's lines that its rules go around. Captions and notes may stand outside."""


def ruled(image: Image, lines: Polygons) -> Structure | None:
    """The table whose text stands in `lines`, from its rules alone; None where they don't close its cells. Boxes lie
    in the frame of `image`; every token's probability is 1."""
    if len(lines) < 2:
        return None
    level, rules = rules_around(image, lines)
    if rules is None or rules.around(level.lines).mean() < _INSIDE:
        return None
    across, upright, xs, apart = rules.across, rules.upright, rules.xs, SAME * level.height
    ys = _with_text(rules.ys, _walls(upright, xs, rules.ys, apart), level.lines)
    above, left = _walls(across, ys, xs, apart), _walls(upright, xs, ys, apart)
    cells = _cells(_closed(above), _closed(left))
    if cells is None:
        return None
    blank = ~_filled(cells, xs, ys, level.lines) & ~_enclosed(cells, above, left)
    return _structure(_taken_apart(cells, blank), xs, ys, inner=rules.inner, back=level.back)


def ruled_around(image: Image, lines: Polygons) -> NDArray[np.bool_]:
    """(lines,): which of them stand within the rules that reach farthest."""
    level, rules = rules_around(image, lines)
    return rules.around(level.lines) if rules is not None else np.zeros(len(lines), np.bool_)


def _walls(rules: Segments, places: Places, between: Places, apart: float) -> NDArray[np.bool_]:
    """(places, parts): whether the rules at each place go along each part of it, from one of `between` to the next."""
    owner = np.abs(rules[:, :1] - places).argmin(axis=1)
    low, high = between[:-1], between[1:]
    covered = np.zeros((len(places), len(low)))
    shares = np.minimum(rules[:, 2:], high) - np.maximum(rules[:, 1:2], low)
    np.add.at(covered, owner, np.clip(shares, 0, None))
    return np.asarray(covered >= _WALL * np.maximum(high - low - 2 * apart, 1))


def _with_text(ys: Places, left: NDArray[np.bool_], lines: Polygons) -> Places:
    """Without a first or last row in which nothing stands and no rule goes down: what is beyond is not its."""
    middles = lines[:, :, 1].mean(axis=1)
    rows = (np.histogram(middles, ys)[0] > 0) | left.any(axis=0)
    used = np.flatnonzero(rows)
    return ys[used[0] : used[-1] + 2] if len(used) else ys


def _closed(walls: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With the outermost as ruled: many tables are open at their sides."""
    closed = walls.copy()
    closed[[0, -1]] = True
    return closed


def _filled(cells: NDArray[np.int32], xs: Places, ys: Places, lines: Polygons) -> NDArray[np.bool_]:
    """Whether the middle of a line is in each of them."""
    x, y = lines.mean(axis=1).T
    row, column, row_span, column_span = cells.T[:, :, None]
    inside = (x > xs[column]) & (x < xs[column + column_span]) & (y > ys[row]) & (y < ys[row + row_span])
    return np.asarray(inside.any(axis=1))


def _enclosed(cells: NDArray[np.int32], above: NDArray[np.bool_], left: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether there is a rule on all four sides of each."""
    return np.array(
        [
            above[[row, row + row_span], column : column + column_span].all()
            and left[[column, column + column_span], row : row + row_span].all()
            for row, column, row_span, column_span in cells.tolist()
        ]
    )


def _taken_apart(cells: NDArray[np.int32], chosen: NDArray[np.bool_]) -> NDArray[np.int32]:
    """With cells of one place each instead of those chosen: an open corner without text is no cell over others."""
    parts = [
        (row + i, column + j, 1, 1)
        for row, column, row_span, column_span in cells[chosen].tolist()
        for i in range(row_span)
        for j in range(column_span)
    ]
    places = np.concatenate([cells[~chosen], np.array(parts, np.int32).reshape(-1, 4)])
    return np.asarray(places[np.lexsort((places[:, 1], places[:, 0]))])


def _cells(above: NDArray[np.bool_], left: NDArray[np.bool_]) -> NDArray[np.int32] | None:
    """(cells, 4): row, column, row span, column span, row by row; None where places without walls between them are no
    rectangle, or there is but one. `above` is (rows + 1, columns), `left` is (columns + 1, rows)."""
    rows, columns = len(above) - 1, len(left) - 1
    ways = np.zeros((2 * rows - 1, 2 * columns - 1), np.uint8)  # places at even numbers, what is between at odd ones
    ways[::2, ::2] = 1
    ways[1::2, ::2] = ~above[1:-1]
    ways[::2, 1::2] = ~left[1:-1].T
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(ways, connectivity=4)
    numbers, spans = numbers[::2, ::2], (stats[1:, :4] + (0, 0, 1, 1)) // 2
    full = np.bincount(numbers.ravel(), minlength=len(stats))[1:] == spans[:, 2] * spans[:, 3]
    if len(spans) < 2 or not full.all():
        return None
    cells = spans[:, [1, 0, 3, 2]]
    return np.asarray(cells[np.lexsort((cells[:, 1], cells[:, 0]))], np.int32)


def _structure(
    cells: NDArray[np.int32], xs: Places, ys: Places, *, inner: Places, back: NDArray[np.float64]
) -> Structure:
    rows = (chain(*map(_tokens, cells[cells[:, 0] == row])) for row in range(len(ys) - 1))
    tokens = tuple(chain.from_iterable(("<tr>", *row, "</tr>") for row in rows))
    row, column, row_span, column_span = cells.T
    boxes = np.stack([xs[column], ys[row], xs[column + column_span], ys[row + row_span]], axis=1)
    on_page, within = (_corners(rectangles) @ back[:, :2].T + back[:, 2] for rectangles in (boxes, inner))
    ones = np.ones(len(tokens), np.float32)
    return Structure(tokens, on_page.astype(np.float32), ones, within.astype(np.float32))


def _corners(boxes: Places) -> Places:
    """(n, 4) -> (n, 4, 2), clockwise from the top left."""
    return boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]


def _tokens(cell: NDArray[np.int32]) -> tuple[str, ...]:
    row_span, column_span = cell[2:].tolist()
    spans = (("row", row_span), ("col", column_span))
    named = [f' {axis}span="{span}"' for axis, span in spans if span > 1]
    return ("<td", *named, ">", "</td>") if named else ("<td></td>",)
