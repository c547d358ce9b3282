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


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """`origin` (x, y) and `unit` in pixels of the page."""

    origin: NDArray[np.float64]
    unit: float

    def shapes(self, polygons: Polygons) -> Polygons:
        """The same here; what lies too far off is moved nearer."""
        return np.clip(self._here(polygons), -_FARTHEST, _FARTHEST).astype(np.float32)

    def boxes(self, polygons: Polygons) -> Boxes:
        """The smallest upright boxes around them; NaN for what has no size or is no place on a page."""
        boxes = _boxes(self._here(polygons))
        low, high = boxes[:, :2], boxes[:, 2:]
        usable = ((high > low) & (low > -_FARTHEST) & (high < _FARTHEST)).all(axis=1, keepdims=True)
        return np.where(usable, boxes, np.nan)

    def to_page(self, points: NDArray[np.float64]) -> NDArray[np.float32]:
        """`points`: (..., 2)."""
        return np.asarray(points * self.unit + self.origin, np.float32)

    def _here(self, polygons: Polygons) -> NDArray[np.float64]:
        return (polygons.astype(np.float64) - self.origin) / self.unit


def frame_of(polygons: Polygons) -> Frame | None:
    """None where no line has a place."""
    boxes = _boxes(polygons.astype(np.float64))
    boxes = boxes[np.asarray(np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))]
    if not len(boxes):
        return None
    origin = np.median((boxes[:, :2] + boxes[:, 2:]) / 2, axis=0)
    return Frame(origin, float(np.median(boxes[:, 3] - boxes[:, 1])))


def _boxes(corners: NDArray[np.float64]) -> Boxes:
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
