"""Where tables end: at the rules drawn around them, where there are any.

What a layout network says of a table's borders is a guess: totals below it come along, its last rows stay out, or it is
cut in two. Rules that close cells are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from .geometry import Image, Polygons
from .layout import Region
from .reading_frame import Order, direction_of
from .regions import box_around, distinct, lines_in
from .rows import rows_of
from .ruled import ruled, ruled_around
from .rules import height_of
from .slanet import row_widths
from .tables.structure import Structure

_LOOKED_AROUND = 0.25
_LOOKED_AROUND_LINES = 4.0
"""Room around a table in which more of it is looked for: a share of its longer side, and heights of a line."""

_ROUNDS = 4
"""Where more of a table is found, it is looked around again: it may be several times as large as was said."""

_LEAST_LINES = 4
_MOST_OF = 0.5
"""Rules are a table's if they go around so many lines, and around so much of what was said to be in it."""

Drawn = tuple[Region, Structure | None]
"""A table, and what its rules say of its cells."""


def drawn_tables(image: Image, regions: Iterable[Region], polygons: Polygons) -> list[Drawn]:
    """Each of `regions`, as large as its rules are. Two that turn out to be one are one."""
    found = dict(_drawn(image, regions, polygons))
    return [(region, found[region]) for region in distinct(found)]


def _drawn(image: Image, regions: Iterable[Region], polygons: Polygons) -> Iterator[Drawn]:
    for region in regions:
        lines = lines_in(region, polygons)
        inside = _within(image, lines, polygons)
        structure = ruled(image, polygons[inside]) if len(inside) else None
        if structure is not None and np.array_equal(inside, lines):
            yield region, structure
        elif structure is not None and _is_whole(structure, polygons[np.setdiff1d(lines, inside)]):
            drawn = replace(region, box=box_around(structure.boxes))
            yield (drawn, structure) if len(lines_in(drawn, polygons)) else (region, None)
        else:
            yield region, ruled(image, polygons[lines])


def _within(image: Image, lines: Order, polygons: Polygons) -> Order:
    """The lines within the rules that go around most of `lines`; none where there are no such rules."""
    said, known = lines, lines
    for _ in range(_ROUNDS):
        near = _near(known, polygons)
        inside = near[ruled_around(image, polygons[near])]
        if len(inside) < _LEAST_LINES or np.isin(said, inside).mean() < _MOST_OF:
            return np.zeros(0, np.intp)
        if np.array_equal(inside, known):
            break
        known = inside
    return known


def _is_whole(structure: Structure, left: Polygons) -> bool:
    """Not if lines that the rules don't go around are a row as those within are: then not all rules are seen."""
    if not len(left):
        return True
    rows, columns = rows_of(direction_of(left).frame(left)), max(row_widths(structure.tokens))
    return max(map(len, rows)) <= max(1.0, _MOST_OF * columns)


def _near(lines: Order, polygons: Polygons) -> Order:
    """All lines whose middle is near these."""
    here = polygons[lines]
    low, high = here.min(axis=(0, 1)), here.max(axis=(0, 1))
    room = _LOOKED_AROUND * float((high - low).max()) + _LOOKED_AROUND_LINES * height_of(here)
    middles = polygons.mean(axis=1)
    return np.flatnonzero(((middles > low - room) & (middles < high + room)).all(axis=1))
