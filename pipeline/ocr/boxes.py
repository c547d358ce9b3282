"""Which boxes a detector's probability map holds (the post-processing of differentiable binarisation, DB).

The map shows shrunken text: each region above the threshold becomes its smallest rectangle, is kept when the map under
it is confident, and grows back to the size of the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Polygons, clip, no_polygons, orient

_SMALLEST = 3
"""Rectangles thinner than this many pixels of the map are noise; after growing they must be two pixels thicker."""

_USUAL_MAP_PX = 960 * 960
"""Pixels of the map for which PaddleOCR allows `max_candidates`; a larger map may hold more lines in proportion."""


@dataclass(frozen=True, slots=True)
class BoxRules:
    """`PostProcess` of a detector's `inference.yml`."""

    thresh: float
    box_thresh: float
    unclip_ratio: float
    max_candidates: int


def find_boxes(
    probability: NDArray[np.float32], rules: BoxRules, *, scale: NDArray[np.float32], height: int, width: int
) -> tuple[Polygons, NDArray[np.float32]]:
    """Text boxes on a page of `height` x `width` pixels, and the mean probability under each.

    `probability` is the (h, w) map, 0 to 1; `scale` the (x, y) factors from the map's pixels to the page's.
    """
    most = rules.max_candidates * max(1, -(-probability.size // _USUAL_MAP_PX))
    rectangles = _rectangles(probability > rules.thresh, most)
    scores = np.array([_mean_under(probability, cv2.boxPoints(r)) for r in rectangles], np.float32)
    chosen = [r for r, score in zip(rectangles, scores, strict=True) if score >= rules.box_thresh]
    grown = [_grow(r, rules.unclip_ratio) for r in chosen]
    thick = np.array([min(r[1]) >= _SMALLEST + 2 for r in grown], bool)
    kept = scores[scores >= rules.box_thresh][thick]
    if not len(kept):
        return no_polygons(), np.zeros(0, np.float32)
    corners = np.stack([cv2.boxPoints(r) for r, keep in zip(grown, thick, strict=True) if keep])
    return clip(orient(np.asarray(corners * scale, np.float32)), height=height, width=width), kept


Rectangle = tuple[Sequence[float], Sequence[float], float]
"""OpenCV's rotated rectangle: centre (x, y), size (width, height), angle in degrees."""


def _rectangles(mask: NDArray[np.bool_], most: int) -> list[Rectangle]:
    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = (cv2.minAreaRect(contour) for contour in contours[:most])
    return [r for r in found if min(r[1]) >= _SMALLEST]


def _mean_under(probability: NDArray[np.float32], corners: NDArray[Any]) -> float:
    limit = np.array(probability.shape[::-1]) - 1
    low = np.clip(np.floor(corners.min(axis=0)), 0, limit).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)), 0, limit).astype(int)
    window = probability[low[1] : high[1] + 1, low[0] : high[0] + 1]
    mask = np.zeros(window.shape, np.uint8)
    cv2.fillPoly(mask, [(corners - low).astype(np.int32)], (1,))
    return float(cv2.mean(window, mask)[0])


def _grow(rectangle: Rectangle, ratio: float) -> Rectangle:
    """The smallest rectangle round the rounded outline at DB's distance, area * ratio / perimeter.

    Worked out instead of clipped: the outline of a rectangle, offset by a distance, has the same rectangle, larger
    by that distance on every side, as its smallest one. So no polygon library is needed.
    """
    centre, (a, b), angle = rectangle
    distance = a * b * ratio / (2 * (a + b))
    return centre, (a + 2 * distance, b + 2 * distance), angle
