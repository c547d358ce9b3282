"""In which order a person reads what stands on a page: columns by their gutters, rows down, boxes along a row.

What is ordered are units: single lines, or blocks of lines that stay together. Everything happens in the frame of the
page's main reading direction. Deterministic: equal boxes keep the order they came in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import Polygons
from .reading_frame import Floats, Frame, Order, direction_of
from .rows import rows_of

_SPANNING = 0.2
"""A gutter may be crossed by at most this share of the lines (titles, figures over both columns)."""

_COLUMN_LINES = 4
_COLUMN_ASPECT = 8.0
_COLUMN_FILL = 0.6
"""Beside a gutter stand at least so many lines, in the median so many times wider than high, on both sides; on one side
at least, the median line fills so much of the width.

Prices and labels that face one another on a receipt or in a table are neither; they are read along the row.
"""

_GUTTERS_TRIED = 8

_DEEPEST = 50
"""No page has so many columns in columns; what is nested deeper is read by rows."""


@dataclass(frozen=True, slots=True)
class Units:
    """What is put in order: `frame` holds a box each, `lines` the lines of running text in each.

    A table or a figure has none: what stands in it says nothing of the page's columns. `whole` marks units that are
    blocks: what stands beside one is read before or after it, never between its rows.
    """

    frame: Frame
    lines: tuple[Frame, ...]
    whole: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.frame)

    def of(self, chosen: Order) -> Units:
        return Units(self.frame.of(chosen), tuple(self.lines[place] for place in chosen.tolist()), self.whole[chosen])


def reading_order(polygons: Polygons, texts: Sequence[str] = ()) -> Order:
    """(n,) indices into `polygons`, in reading order; `texts`, one a box, tell scripts that run from right to left."""
    if not len(polygons):
        return np.zeros(0, np.intp)
    return order_of_lines(direction_of(polygons, texts).frame(polygons))


def order_of_lines(frame: Frame) -> Order:
    alone = [np.array([place]) for place in range(len(frame))]
    return order_of_units(Units(frame, tuple(map(frame.of, alone)), np.zeros(len(frame), np.bool_)))


def order_of_units(units: Units) -> Order:
    """(n,) indices into `units`, in reading order."""
    return _ordered(units, np.arange(len(units)), 0)


def _ordered(units: Units, items: Order, depth: int) -> Order:
    """`items` in reading order: by columns where a gutter is found, otherwise by blocks and rows. They are part of a
    part, `depth` times over."""
    here = units.of(items)
    gutter = _gutter(here) if depth < _DEEPEST else None
    if gutter is None:
        parted = here.whole.any() and depth < _DEEPEST
        return _beside_blocks(units, items, depth) if parted else items[_by_rows(here.frame)]
    left, middle = here.frame.right <= gutter, here.frame.middle
    right = ~left & (here.frame.left >= gutter)  # a box without width may stand on the gutter itself
    spanning = ~left & ~right
    bounds = np.sort(middle[spanning])
    band = np.searchsorted(bounds, middle)  # a spanning unit is the last of the band it closes
    parts = []
    for number in range(len(bounds) + 1):
        parts.append(_ordered(units, items[(band == number) & left], depth + 1))
        parts.append(_ordered(units, items[(band == number) & right], depth + 1))
        parts.append(items[(band == number) & spanning])
    return np.concatenate(parts)


def _by_rows(frame: Frame) -> Order:
    return np.array([place for row in rows_of(frame) for place in row], np.intp)


def _gutter(units: Units) -> float | None:
    """Where a line down the page parts two columns of running text, if anywhere."""
    counts = np.array([len(lines) for lines in units.lines])
    if counts.sum() < 2 * _COLUMN_LINES:
        return None
    frame = units.frame
    places = np.unique(frame.right)[:-1, None]
    left = (frame.right[None] <= places) @ counts
    right = (frame.left[None] >= places) @ counts
    crossing = ((frame.left[None] < places) & (frame.right[None] > places)) @ np.maximum(counts, 1)
    fit = (crossing <= _SPANNING * np.maximum(counts, 1).sum()) & (np.minimum(left, right) >= _COLUMN_LINES)
    best = np.lexsort((-np.minimum(left, right)[fit], crossing[fit]))[:_GUTTERS_TRIED]
    for place in places[fit, 0][best]:
        sides = [
            Frame.joined([units.lines[place] for place in np.flatnonzero(side)])
            for side in (frame.right <= place, frame.left >= place)
        ]
        if all(_aspect(side) >= _COLUMN_ASPECT for side in sides) and max(map(_fill, sides)) >= _COLUMN_FILL:
            return float(place)
    return None


def _aspect(lines: Frame) -> float:
    return float(np.median(lines.width / lines.height))


def _fill(lines: Frame) -> float:
    """How much of its width the median line of one side takes; a side of several columns is parted further later."""
    left, right, _, _ = lines.around()
    return float(np.median(lines.width) / max(right - left, 1e-6))


def _beside_blocks(units: Units, items: Order, depth: int) -> Order:
    """Bands down the page, each as high as its blocks; in a band, what stands beside a block comes in its turn."""
    frame = units.frame
    slack = _slack(units, items)
    parts: list[Order] = []
    for band in _clusters(frame.top, frame.bottom, items, slack=slack):
        columns = _merged(units.whole, _clusters(frame.left, frame.right, band, slack=slack))
        if len(columns) > 1:
            parts.extend(_ordered(units, column, depth + 1) for column in columns)
        elif len(band) < len(items):
            parts.append(_ordered(units, band, depth + 1))
        else:
            parts.append(band[_by_rows(frame.of(band))])
    return np.concatenate(parts)


_TOUCHING = 0.3
"""Boxes that have less than this in common, in heights of the median line, count as apart."""


def _slack(units: Units, items: Order) -> float:
    heights = [units.lines[place].height for place in items.tolist()]
    return _TOUCHING * float(np.median(np.concatenate(heights))) if any(map(len, heights)) else 0.0


def _clusters(low: Floats, high: Floats, items: Order, *, slack: float) -> list[Order]:
    """`items` cut wherever nothing reaches across by more than `slack`, in the order of `low`."""
    order = np.argsort(low[items], kind="stable")
    reach = np.maximum.accumulate(high[items][order])
    cuts = np.flatnonzero(low[items][order][1:] >= reach[:-1] - slack) + 1
    return [items[part] for part in np.split(order, cuts)]


def _merged(whole: NDArray[np.bool_], columns: list[Order]) -> list[Order]:
    """Columns that neighbour each other and hold nothing but single lines are one: they are read along their rows."""
    merged: list[Order] = []
    for column in columns:
        if merged and not whole[merged[-1]].any() and not whole[column].any():
            merged[-1] = np.concatenate([merged[-1], column])
        else:
            merged.append(column)
    return merged
