"""Which lines of a page stand one below the other in a column, and whether they end at one place.

Only neighbours are compared, so columns may lean as a crooked page does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .reading_frame import Frame, Order

_WITHIN = 0.5
"""Cells of one column begin, end or have their middles at one place, give or take this share of their height."""

_FLUSH_WITHIN = 0.25
"""The same of the ends or middles of cells that are flush. A letter more is about twice as much."""

_CELL = 15.0
"""No cell is wider, in its heights: lines of running text in two columns are 20 and more."""

_APART = 4.0
"""Heights, from middle to middle, between two cells of a column at most."""

_ALIKE = 1.5
"""Two cells of a column are at most so different in height."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """For each line, which one goes on below it in its column, or -1; and whether it is flush with that."""

    below: Order
    flush: Flags


def links_of(frame: Frame) -> Links:
    """A line goes on in the nearest below it, if it is the nearest above that."""
    below = _nearest_below(frame)
    above = _nearest_below(Frame(frame.left, frame.right, -frame.bottom, -frame.top))
    upper = np.flatnonzero(below >= 0)
    upper = upper[above[below[upper]] == upper]
    one, other = frame.of(upper), frame.of(below[upper])
    low, high = np.minimum(one.height, other.height), np.maximum(one.height, other.height)
    begins, ends = np.abs(one.left - other.left), np.abs(one.right - other.right)
    nearest_end = np.minimum(ends, np.abs(one.left + one.right - other.left - other.right) / 2)
    cells = np.maximum(one.width / one.height, other.width / other.height) < _CELL
    linked = cells & (high <= _ALIKE * low) & (np.minimum(begins, nearest_end) <= _WITHIN * low)
    links = Links(np.full(len(frame), -1, np.intp), np.zeros(len(frame), np.bool_))
    links.below[upper[linked]] = below[upper[linked]]
    links.flush[upper] = nearest_end <= _FLUSH_WITHIN * low
    return links


def _nearest_below(frame: Frame) -> Order:
    """For each line, the first below it that has some width in common with it, or -1."""
    order = np.argsort(frame.middle, kind="stable")
    middles = frame.middle[order]
    ends = np.searchsorted(middles, middles + _APART * frame.height[order], side="right")
    nearest = np.full(len(frame), -1, np.intp)
    for place, (line, end) in enumerate(zip(order.tolist(), ends.tolist(), strict=True), 1):
        near = order[place:end]
        over = np.minimum(frame.right[near], frame.right[line]) > np.maximum(frame.left[near], frame.left[line])
        under = near[over & (frame.top[near] >= frame.middle[line])]
        if len(under):
            nearest[line] = under[0]
    return nearest


def linked_columns(links: Links, inside: Flags) -> list[Order]:
    """Lines that are linked, from the highest down."""
    going_on = np.flatnonzero(inside & (links.below >= 0))
    going_on = going_on[inside[links.below[going_on]]]
    columns = []
    for first in np.setdiff1d(going_on, links.below[going_on]).tolist():
        column = [first]
        while (below := int(links.below[column[-1]])) >= 0 and inside[below]:
            column.append(below)
        columns.append(np.array(column, np.intp))
    return columns
