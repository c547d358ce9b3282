"""Boxes as a reader sees them: straight, with the reading direction along u and the page running down v.

Slight skew, turned pages, vertical writing (columns from right to left) and right-to-left scripts are all settled here,
so that rows, columns and blocks need no rules of their own for them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import Polygons, sizes

Order = NDArray[np.intp]
Floats = NDArray[np.float64]

_THIN = 1e-6

_TELLING = 2.5
"""Times that a line is longer than high where it tells which way a page is read. A digit alone is higher than wide, and
no column of vertical writing."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Extents of boxes along the reading direction, `left` to `right`, and down the page, `top` to `bottom`."""

    left: Floats
    right: Floats
    top: Floats
    bottom: Floats

    def __len__(self) -> int:
        return len(self.left)

    @property
    def middle(self) -> Floats:
        return (self.top + self.bottom) / 2

    @property
    def width(self) -> Floats:
        return np.maximum(self.right - self.left, _THIN)

    @property
    def height(self) -> Floats:
        return np.maximum(self.bottom - self.top, _THIN)

    def of(self, chosen: Order) -> Frame:
        return Frame(self.left[chosen], self.right[chosen], self.top[chosen], self.bottom[chosen])

    @classmethod
    def joined(cls, frames: Sequence[Frame]) -> Frame:
        """One after the other."""
        sides = ("left", "right", "top", "bottom")
        return cls(*(np.concatenate([getattr(frame, side) for frame in frames]) for side in sides))

    def around(self) -> tuple[float, float, float, float]:
        return float(self.left.min()), float(self.right.max()), float(self.top.min()), float(self.bottom.max())


@dataclass(frozen=True, slots=True)
class Direction:
    """Which way a page is read: `angle` of its lines in radians, clockwise; `leftwards` for Arabic, Hebrew and such."""

    angle: float
    leftwards: bool

    def frame(self, polygons: Polygons) -> Frame:
        """All corners turned so that reading runs along u, rightwards."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        corners = polygons.astype(np.float64)
        u = corners[:, :, 0] * cos + corners[:, :, 1] * sin
        v = corners[:, :, 1] * cos - corners[:, :, 0] * sin
        u = -u if self.leftwards else u
        return Frame(u.min(axis=1), u.max(axis=1), v.min(axis=1), v.max(axis=1))


def direction_of(polygons: Polygons, texts: Sequence[str] = ()) -> Direction:
    """How a page with these lines is read; without their texts, as if written from left to right."""
    return Direction(_main_angle(polygons) if len(polygons) else 0.0, runs_leftwards(texts))


def runs_leftwards(texts: Sequence[str]) -> bool:
    """Most characters that have a direction at all run from right to left."""
    strong = [kind for text in texts for kind in map(unicodedata.bidirectional, text) if kind in ("L", "R", "AL")]
    return 2 * strong.count("L") < len(strong)


def _main_angle(polygons: Polygons) -> float:
    """Direction of reading, in radians: the quarter turn with most text in it, then the median within it."""
    along, across = sizes(polygons).T
    edges = (polygons[:, 1] - polygons[:, 0]).astype(np.float64)
    angles = np.arctan2(edges[:, 1], edges[:, 0])
    quarters = np.round(angles / (np.pi / 2)).astype(int) % 4
    heard = np.where(along >= _TELLING * across, along, 0)
    quarter = int(np.bincount(quarters, weights=heard, minlength=4).argmax())
    chosen = quarters == quarter
    if not chosen.any():
        return 0.0
    turns = np.angle(np.exp(1j * (angles[chosen] - quarter * np.pi / 2)))
    return quarter * np.pi / 2 + _weighted_median(turns, along[chosen].astype(np.float64))


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values, kind="stable")
    running = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(running, running[-1] / 2)])
