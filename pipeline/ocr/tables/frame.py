"""Coordinates in heights of a table's lines, from the middle of its text: in them, nothing depends on where a table
stands on its page, or on the page's resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.ocr.geometry import Polygons

from .text import Boxes

_FARTHEST = 1e6
"""No page is so many lines high; what lies farther off was never found on one."""


_STEEPEST, _LEVEL = 0.1, 0.006
"""Slopes: pages that lie more askew are none that a scanner makes; what is less than a third of a degree is level, for
words with and without descenders don't have their middles at one height."""

_PAIRS_OF = 400
"""Lines that are asked for their neighbour, evenly from all: enough for a median."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """`origin` (x, y) and `unit` in pixels of the page; `turn` (2, 2) leads from rows as they lie to level ones."""

    origin: NDArray[np.float64]
    unit: float
    turn: NDArray[np.float64]

    def shapes(self, polygons: Polygons) -> Polygons:
        """The same here; what lies too far off is moved nearer."""
        return np.clip(self._here(polygons), -_FARTHEST, _FARTHEST).astype(np.float32)

    def boxes(self, polygons: Polygons) -> Boxes:
        """Level boxes where they are, as large as they are there or on the page, for not all tilt that lie on a tilted
        page; NaN for what has no size or is no place on a page."""
        here, there = _boxes(self._here(polygons)), _boxes(self._in_heights(polygons))
        middles = (here[:, :2] + here[:, 2:]) / 2
        halves = np.minimum(here[:, 2:] - here[:, :2], there[:, 2:] - there[:, :2]) / 2
        boxes = np.concatenate([middles - halves, middles + halves], axis=1)
        low, high = boxes[:, :2], boxes[:, 2:]
        usable = ((high > low) & (low > -_FARTHEST) & (high < _FARTHEST)).all(axis=1, keepdims=True)
        return np.where(usable, boxes, np.nan)

    def to_page(self, points: NDArray[np.float64]) -> NDArray[np.float32]:
        """`points`: (..., 2)."""
        return np.asarray(points @ self.turn * self.unit + self.origin, np.float32)

    def _here(self, polygons: Polygons) -> NDArray[np.float64]:
        return np.asarray(self._in_heights(polygons) @ self.turn.T, np.float64)

    def _in_heights(self, polygons: Polygons) -> NDArray[np.float64]:
        """From the middle of the text, so that where that stands is nothing, to the last digit. What is no place is
        NaN."""
        there = (polygons.astype(np.float64) - self.origin) / self.unit
        return np.asarray(np.where(np.isfinite(there), there, np.nan), np.float64)


def frame_of(polygons: Polygons) -> Frame | None:
    """None where no line has a place."""
    boxes = _placed(polygons)
    if not len(boxes):
        return None
    origin = np.median((boxes[:, :2] + boxes[:, 2:]) / 2, axis=0)
    angle = np.arctan(slope_of(polygons))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return Frame(origin, float(np.median(boxes[:, 3] - boxes[:, 1])), turn)


def slope_of(polygons: Polygons) -> float:
    """How far rows fall, for each pixel along: the median over lines and their right neighbours, far ones counting for
    more. The boxes of words themselves tilt as they like. 0 for what is nearly level."""
    boxes = _placed(polygons)
    here = boxes[:: len(boxes) // _PAIRS_OF + 1]
    height = np.minimum(here[:, None, 3] - here[:, None, 1], boxes[:, 3] - boxes[:, 1])
    shared = np.minimum(here[:, None, 3], boxes[:, 3]) - np.maximum(here[:, None, 1], boxes[:, 1])
    gaps = np.where(shared > height / 2, boxes[:, 0] - here[:, None, 2], np.inf)
    gaps[gaps < 0] = np.inf
    if not np.isfinite(gaps).any():
        return 0.0
    one = np.flatnonzero(np.isfinite(gaps).any(axis=1))
    apart = (boxes[gaps[one].argmin(axis=1)] - here[one]).reshape(-1, 2, 2).mean(axis=1)
    slopes = apart[:, 1] / apart[:, 0]
    order = np.argsort(slopes, kind="stable")
    weights = np.cumsum(apart[order, 0])
    slope = float(slopes[order[np.searchsorted(weights, weights[-1] / 2)]])
    return slope if _LEVEL < abs(slope) < _STEEPEST else 0.0


def _placed(polygons: Polygons) -> Boxes:
    boxes = _boxes(polygons.astype(np.float64))
    return boxes[np.asarray(np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))]


def _boxes(corners: NDArray[np.float64]) -> Boxes:
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
