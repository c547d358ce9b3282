"""In which order a person reads the lines of a page: columns by their gutters, rows down, boxes along a row.

Everything happens in the frame of the page's main reading direction, so slight skew, turned pages and vertical writing
(columns from right to left) need no rules of their own. Deterministic: equal boxes keep the order they came in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import Polygons, sizes

Order = NDArray[np.intp]

_SAME_ROW = 0.5
"""Share of the lower box's height that two boxes of one row have in common."""

_SPANNING = 0.2
"""A gutter may be crossed by at most this share of the boxes (titles, figures over both columns)."""

_COLUMN_LINES = 4
_COLUMN_ASPECT = 8.0
_COLUMN_FILL = 0.6
"""Beside a gutter stand at least so many lines, in the median so many times wider than high, on both sides; on one side
at least, the median line fills so much of the width.

Prices and labels that face one another on a receipt or in a table are neither; they are read along the row.
"""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Boxes in the reading frame: extents along the reading direction (u) and down the page (v)."""

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]

    @property
    def middle(self) -> NDArray[np.float64]:
        return (self.top + self.bottom) / 2

    def of(self, chosen: Order) -> _Frame:
        return _Frame(self.left[chosen], self.right[chosen], self.top[chosen], self.bottom[chosen])


def reading_order(polygons: Polygons) -> Order:
    """(n,) indices into `polygons`, in reading order."""
    if not len(polygons):
        return np.zeros(0, np.intp)
    frame = _frame(polygons)
    return _ordered(frame, np.arange(len(polygons)))


def _frame(polygons: Polygons) -> _Frame:
    """All corners turned so that the page's main direction lies along u."""
    angle = _main_angle(polygons)
    cos, sin = np.cos(angle), np.sin(angle)
    u = polygons[:, :, 0] * cos + polygons[:, :, 1] * sin
    v = polygons[:, :, 1] * cos - polygons[:, :, 0] * sin
    return _Frame(u.min(axis=1), u.max(axis=1), v.min(axis=1), v.max(axis=1))


def _main_angle(polygons: Polygons) -> float:
    """Direction of reading, in radians: the quarter turn with most text in it, then the median within it."""
    along, _ = sizes(polygons).T
    edges = (polygons[:, 1] - polygons[:, 0]).astype(np.float64)
    angles = np.arctan2(edges[:, 1], edges[:, 0])
    quarters = np.round(angles / (np.pi / 2)).astype(int) % 4
    quarter = int(np.bincount(quarters, weights=along, minlength=4).argmax())
    chosen = quarters == quarter
    turns = np.angle(np.exp(1j * (angles[chosen] - quarter * np.pi / 2)))
    return quarter * np.pi / 2 + _weighted_median(turns, along[chosen].astype(np.float64))


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values, kind="stable")
    running = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(running, running[-1] / 2)])


def _ordered(frame: _Frame, items: Order) -> Order:
    """`items` in reading order: by columns where a gutter is found, otherwise by rows."""
    gutter = _gutter(frame.of(items))
    if gutter is None:
        return items[_by_rows(frame.of(items))]
    spanning = (frame.left[items] < gutter) & (frame.right[items] > gutter)
    bounds = np.sort(frame.middle[items[spanning]])
    band = np.searchsorted(bounds, frame.middle[items])  # a spanning box is the last of the band it closes
    parts = []
    for number in range(len(bounds) + 1):
        inside, free = band == number, ~spanning
        parts.append(_ordered(frame, items[inside & free & (frame.right[items] <= gutter)]))
        parts.append(_ordered(frame, items[inside & free & (frame.left[items] >= gutter)]))
        parts.append(items[inside & spanning])
    return np.concatenate(parts)


def _gutter(frame: _Frame) -> float | None:
    """Where a line down the page parts two columns of running text, if anywhere."""
    count = len(frame.left)
    if count < 2 * _COLUMN_LINES:
        return None
    places = np.unique(frame.right)[:-1]
    left = (frame.right[None] <= places[:, None]).sum(axis=1)
    crossing = ((frame.left[None] < places[:, None]) & (frame.right[None] > places[:, None])).sum(axis=1)
    right = count - left - crossing
    fit = (crossing <= _SPANNING * count) & (np.minimum(left, right) >= _COLUMN_LINES)
    for place in places[fit][np.lexsort((-np.minimum(left, right)[fit], crossing[fit]))][:8]:
        sides = [frame.of(np.flatnonzero(side)) for side in (frame.right <= place, frame.left >= place)]
        if all(_aspect(side) >= _COLUMN_ASPECT for side in sides) and max(map(_fill, sides)) >= _COLUMN_FILL:
            return float(place)
    return None


def _aspect(frame: _Frame) -> float:
    return float(np.median((frame.right - frame.left) / np.maximum(frame.bottom - frame.top, 1e-6)))


def _fill(frame: _Frame) -> float:
    """How much of its width the median line of one side takes; a side of several columns is parted further later."""
    return float(np.median(frame.right - frame.left) / max(frame.right.max() - frame.left.min(), 1e-6))


def _by_rows(frame: _Frame) -> Order:
    """Down by rows, and along each row. A box joins the row whose nearest box stands at the same height."""
    rows: list[list[int]] = []
    for item in np.argsort(frame.middle, kind="stable").tolist():
        row = next((row for row in reversed(rows[-8:]) if _same_row(frame, item, row)), None)
        if row is None:
            rows.append([item])
        else:
            row.append(item)
    return np.array([item for row in rows for item in sorted(row, key=lambda item: frame.left[item])], np.intp)


def _same_row(frame: _Frame, item: int, row: list[int]) -> bool:
    gaps = [max(frame.left[other] - frame.right[item], frame.left[item] - frame.right[other]) for other in row]
    near = row[int(np.argmin(np.abs(gaps)))]
    shared = min(frame.bottom[item], frame.bottom[near]) - max(frame.top[item], frame.top[near])
    lower = min(frame.bottom[item] - frame.top[item], frame.bottom[near] - frame.top[near])
    return bool(shared >= _SAME_ROW * lower)
