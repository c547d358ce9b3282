"""The tables that rulings close on a page, and its lines cut at their rulings, before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cell_lines import between_rulings, cell_lines
from .geometry import Image, Polygons
from .level import LevelPage, as_boxes, level_page
from .ruled import RuledTable, ruled
from .rulings import rulings_of

_LEAST_ROWS, _LEAST_COLUMNS = 2, 2
_LEAST_CELLS = 3
_FILLED = 0.4
"""Of a table that no network needs to confirm: this share of its cells holds text, and this many cells do. The grid of
a chart has labels outside, and the boxes of a form to be filled in are empty."""

_MOST_LINES_A_CELL = 8.0
"""Lines in the median of the cells that hold text. Rulings between the columns of a newspaper close cells as well."""

_MOST_LINES = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class RuledPage:
    """`polygons`: the page's lines, cut; `sources` (n,): the line each was, -1 for new ones. `tables` are tables beyond
    doubt; `grids` are closed by rulings too, but may be something else, as a form."""

    polygons: Polygons
    sources: NDArray[np.intp]
    tables: tuple[RuledTable, ...] = ()
    grids: tuple[RuledTable, ...] = ()

    def between_rulings(self, polygons: Polygons) -> Polygons:
        """`polygons` drawn in to the rulings of the cells they lie in."""
        for table in self.tables:
            polygons = between_rulings(table, polygons)
        return polygons


def ruled_page(image: Image, polygons: Polygons) -> RuledPage:
    sources = np.arange(len(polygons))
    if not 1 < len(polygons) <= _MOST_LINES:
        return RuledPage(polygons, sources)
    page = level_page(image, polygons)
    rulings = rulings_of(page)
    found = [table for network in rulings.networks if (table := ruled(network, page)) is not None]
    tables, grids = _outermost(found, page)
    for table in tables:
        cut = cell_lines(table, page, rulings.drawn, polygons)
        polygons, sources = cut.polygons, np.where(cut.sources >= 0, sources[cut.sources], -1)
        page = page.with_lines(polygons)
    return RuledPage(polygons, sources, tuple(tables), tuple(grids))


def _outermost(found: Sequence[RuledTable], page: LevelPage) -> tuple[list[RuledTable], list[RuledTable]]:
    """Tables, and grids that may be something else; a table within a table is text of that."""
    tables: list[RuledTable] = []
    grids: list[RuledTable] = []
    for table in found:
        if any(_is_within(table, other) for other in tables):
            continue
        (tables if _is_table(table, page) else grids).append(table)
    return tables, grids


def _is_within(table: RuledTable, other: RuledTable) -> bool:
    x, y = (table.xs[0] + table.xs[-1]) / 2, (table.ys[0] + table.ys[-1]) / 2
    return bool(other.xs[0] < x < other.xs[-1] and other.ys[0] < y < other.ys[-1])


def _is_table(table: RuledTable, page: LevelPage) -> bool:
    if len(table.ys) <= _LEAST_ROWS or len(table.xs) <= _LEAST_COLUMNS:
        return False
    lines = as_boxes(page.lines)
    rows = (lines[:, 1] + lines[:, 3]) / 2
    counts = np.zeros(len(table.cells), np.intp)
    for number, (x0, y0, x1, y1) in enumerate(table.boxes.tolist()):
        over = np.minimum(lines[:, 2], x1) - np.maximum(lines[:, 0], x0)
        inside = (over >= np.minimum(0.5 * (x1 - x0), 0.5 * (lines[:, 2] - lines[:, 0]))) & (rows > y0) & (rows < y1)
        counts[number] = inside.sum()
    filled = counts[counts > 0]
    return len(filled) >= max(_LEAST_CELLS, _FILLED * len(counts)) and float(np.median(filled)) <= _MOST_LINES_A_CELL
