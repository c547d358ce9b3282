"""Which tables a page has, and where they end, where rulings tell.

What a layout network says of a table's borders is a guess: totals below it come along, its last rows stay out, it is
cut in two or not found at all. Rulings that close cells are exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .geometry import Polygons
from .layout import Region
from .reading_frame import direction_of
from .regions import box_around, distinct, lines_in
from .rows import rows_of
from .ruled import RuledTable
from .ruled_page import RuledPage

_LEAST_LINES = 4
_MOST_OF = 0.5
"""Rulings are those of a region if they go around this many lines, and around this share of the region's lines."""

_NEARLY_ALL = 0.9
"""Rulings around this share of a region's lines are its own, however few the lines are. Captions and notes stand
outside."""


@dataclass(frozen=True, slots=True, eq=False)
class DrawnTable:
    """A table's region, and the grid that its rulings close, if any."""

    region: Region
    ruled: RuledTable | None


def drawn_tables(page: RuledPage, regions: Iterable[Region], polygons: Polygons) -> list[DrawnTable]:
    """Each of `regions` as large as its rulings are, then the tables beyond doubt that are in none. Two regions within
    the same rulings are one table. `polygons`: the lines of `page`."""
    named = [_named(region, page, polygons) for region in regions]
    sure = [drawn for drawn, wider in named if drawn.ruled is not None or wider]
    own = [DrawnTable(Region("table", box_around(table.outline), 1.0), table) for table in page.tables]
    unsure = [drawn for drawn, wider in named if drawn.ruled is None and not wider]
    found = {drawn.region: drawn for drawn in reversed([*sure, *own, *unsure])}
    order = distinct(drawn.region for drawn in (*sure, *own, *unsure) if len(lines_in(drawn.region, polygons)))
    return [found[region] for region in order]


def _named(region: Region, page: RuledPage, polygons: Polygons) -> tuple[DrawnTable, bool]:
    """The table of a layout network's region; and whether the region goes on beyond rulings in it."""
    lines = lines_in(region, polygons)
    table = _around_most([*page.tables, *page.grids], polygons[lines])
    if table is None:
        return DrawnTable(region, None), False
    inside = np.flatnonzero(table.around(polygons))
    share = float(np.isin(lines, inside).mean())
    left = polygons[np.setdiff1d(lines, inside)]
    if len(inside) >= _LEAST_LINES and share >= _MOST_OF and _is_whole(table, left):
        box = region.box if np.array_equal(inside, lines) else box_around(table.outline)
        return DrawnTable(Region(region.kind, box, region.score), table), False
    return DrawnTable(region, table if share >= _NEARLY_ALL else None), share >= _MOST_OF


def _around_most(tables: Sequence[RuledTable], lines: Polygons) -> RuledTable | None:
    """The one around most of the lines; None where none is around any."""
    counts = [int(table.around(lines).sum()) for table in tables]
    return tables[int(np.argmax(counts))] if max(counts, default=0) else None


def _is_whole(table: RuledTable, left: Polygons) -> bool:
    """Not if lines outside the rulings are a row as those within are: then not all rulings were found."""
    if not len(left):
        return True
    rows = rows_of(direction_of(left).frame(left))
    return max(map(len, rows)) <= max(1.0, _MOST_OF * (len(table.xs) - 1))
