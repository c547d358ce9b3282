"""Tables from rulings alone: where rulings close cells on all sides, nothing is left to guess.

A table in a cell of another has rulings of its own: its place is told, and its text is that of the cell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Polygons
from .level import LevelPage, as_boxes
from .ruling_runs import SAME_LINE_HEIGHTS, Segments
from .rulings import Edges, Network
from .tables.grid import MOST_COLUMNS, MOST_ROWS

_WALL = 0.85
"""Share of a cell's side, without half a corner at either end, that is ruled where the cell ends there. A letter that
touches a ruling adds its stroke to it, which is shorter."""

Cells = NDArray[np.int32]
"""(n, 4): row, column, row span, column span, row by row."""

Walls = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class RuledTable:
    """A grid of rulings. `cells` cover each place of the grid once.

    `xs` (columns + 1,) and `ys` (rows + 1,), ascending: where columns and rows end, in pixels of the level page, which
    `to_page` (2, 3) leads back from. `above` (rows + 1, columns) and `left` (columns + 1, rows): whether a ruling is
    drawn on that side of each place. `thick_px`: the width of the median ruling there.
    `inner` (m, 4, 2): tables and boxes within its cells, on the page.
    """

    cells: Cells
    xs: Edges
    ys: Edges
    above: Walls
    left: Walls
    inner: Polygons
    thick_px: float
    to_page: NDArray[np.float64]

    @property
    def boxes(self) -> Edges:
        """(n, 4): x0, y0, x1, y1 of each cell on the level page."""
        row, column, row_span, column_span = self.cells.T
        return np.stack([self.xs[column], self.ys[row], self.xs[column + column_span], self.ys[row + row_span]], axis=1)

    @property
    def corners(self) -> Polygons:
        """(n, 4, 2): each cell on the page, clockwise from its top left."""
        return self.on_page(self.boxes)

    @property
    def outline(self) -> Polygons:
        """(1, 4, 2), on the page."""
        return self.on_page(np.array([[self.xs[0], self.ys[0], self.xs[-1], self.ys[-1]]]))

    def on_page(self, boxes: Edges) -> Polygons:
        """(n, 4, 2) on the page, clockwise from the top left, of `boxes` (n, 4) on the level page."""
        return _on_page(boxes, self.to_page)

    def around(self, lines: Polygons) -> NDArray[np.bool_]:
        """(lines,): whether the middle of each of `lines` (lines, 4, 2), on the page, lies within the grid."""
        turn = cv2.invertAffineTransform(self.to_page)
        middles = lines.mean(axis=1) @ turn[:, :2].T + turn[:, 2]
        low, high = (self.xs[0], self.ys[0]), (self.xs[-1], self.ys[-1])
        return np.asarray(((middles > low) & (middles < high)).all(axis=1))

    def cell_at(self, points: NDArray[np.float64]) -> NDArray[np.intp]:
        """(points,): the cell that each of `points` (points, 2), on the level page, lies in; -1 outside."""
        slots = np.full((len(self.ys) - 1, len(self.xs) - 1), -1, np.intp)
        for number, (row, column, row_span, column_span) in enumerate(self.cells.tolist()):
            slots[row : row + row_span, column : column + column_span] = number
        column, row = (np.searchsorted(edges, points[:, i]) - 1 for i, edges in enumerate((self.xs, self.ys)))
        inside = (row >= 0) & (row < slots.shape[0]) & (column >= 0) & (column < slots.shape[1])
        return np.where(inside, slots[np.clip(row, 0, len(slots) - 1), np.clip(column, 0, slots.shape[1] - 1)], -1)


def ruled(network: Network, page: LevelPage) -> RuledTable | None:
    """The table that a network of rulings closes; None where its cells are no rectangles, or there is but one."""
    lines, apart = as_boxes(page.lines), SAME_LINE_HEIGHTS * page.line_px
    ys = _with_text(network.ys, _walls(network.upright, network.xs, network.ys, apart), lines)
    above, left = _walls(network.across, ys, network.xs, apart), _walls(network.upright, network.xs, ys, apart)
    rows, columns = _parting(above), _parting(left)
    ys, xs, above, left = ys[rows], network.xs[columns], above[rows], left[columns]
    above, left = _walls(network.across, ys, xs, apart), _walls(network.upright, xs, ys, apart)
    if not (1 <= len(ys) - 1 <= MOST_ROWS and 1 <= len(xs) - 1 <= MOST_COLUMNS):
        return None
    cells = _cells(_closed(above), _closed(left))
    if cells is None:
        return None
    inner = _on_page(network.inner, page.to_page)
    table = RuledTable(cells, xs, ys, above, left, inner, network.thick_px, page.to_page)
    filled = np.isin(np.arange(len(cells)), table.cell_at((lines[:, :2] + lines[:, 2:]) / 2))
    return replace(table, cells=_one_each_place(cells, ~filled & ~_enclosed(cells, above, left)))


def _walls(rulings: Segments, edges: Edges, between: Edges, apart: float) -> Walls:
    """(edges, parts): whether the rulings at each edge go along each part of it, from one of `between` to the next."""
    owner = np.abs(rulings[:, :1] - edges).argmin(axis=1)
    near = np.abs(rulings[:, 0] - edges[owner]) <= apart
    low, high = between[:-1], between[1:]
    covered = np.zeros((len(edges), len(low)))
    shares = np.minimum(rulings[:, 2:3], high) - np.maximum(rulings[:, 1:2], low)
    np.add.at(covered, owner[near], np.clip(shares, 0, None)[near])
    return np.asarray(covered >= _WALL * np.maximum(high - low - apart, 1))


def _with_text(ys: Edges, left: Walls, lines: NDArray[np.float64]) -> Edges:
    """Without a first or last row that no ruling goes down and no text stands in: its outer ruling is another's."""
    middles = (lines[:, 1] + lines[:, 3]) / 2
    rows = (np.histogram(middles, ys)[0] > 0) | left.any(axis=0)
    used = np.flatnonzero(rows)
    return ys[used[0] : used[-1] + 2] if len(used) else ys


def _parting(walls: Walls) -> NDArray[np.bool_]:
    """(edges,): those with a wall on them, and the outermost."""
    parting = np.asarray(walls.any(axis=1))
    parting[[0, -1]] = True
    return parting


def _closed(walls: Walls) -> Walls:
    """With the outermost as drawn: many tables are open at their sides."""
    closed = walls.copy()
    closed[[0, -1]] = True
    return closed


def _enclosed(cells: Cells, above: Walls, left: Walls) -> NDArray[np.bool_]:
    """(cells,): whether a ruling is drawn on all four sides."""
    return np.array(
        [
            above[[row, row + row_span], column : column + column_span].all()
            and left[[column, column + column_span], row : row + row_span].all()
            for row, column, row_span, column_span in cells.tolist()
        ]
    )


def _one_each_place(cells: Cells, chosen: NDArray[np.bool_]) -> Cells:
    """With cells of one place each instead of those chosen: an open corner without text is no cell over others."""
    parts = [
        (row + i, column + j, 1, 1)
        for row, column, row_span, column_span in cells[chosen].tolist()
        for i in range(row_span)
        for j in range(column_span)
    ]
    places = np.concatenate([cells[~chosen], np.array(parts, np.int32).reshape(-1, 4)])
    return np.asarray(places[np.lexsort((places[:, 1], places[:, 0]))])


def _cells(above: Walls, left: Walls) -> Cells | None:
    """None where places without walls between them are no rectangle, or there is one cell only."""
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


def _on_page(boxes: Edges, to_page: NDArray[np.float64]) -> Polygons:
    corners = boxes.reshape(-1, 4)[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
    return np.asarray(corners @ to_page[:, :2].T + to_page[:, 2], np.float32)
