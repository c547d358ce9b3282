"""Where a text box lies, which way its text runs, and the upright crop a recogniser reads.

Coordinates are x then y in pixels, y downwards. Boxes are (n, 4, 2) float32, clockwise from the text's own top left,
so the first edge of a box is always its reading direction.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(height, width, 3), uint8, BGR (OpenCV's order, which PaddleOCR's models were trained on), contiguous."""

Polygons = NDArray[np.float32]
"""(n, 4, 2), float32, x then y in pixels of the image given; clockwise from the text's own top left."""

TALL = 1.5
"""Height over width from which PaddleOCR takes a box for text turned by 90 degrees clockwise, or vertical writing."""

_LONGEST_SOURCE = 16_384
"""OpenCV's warps address pixels with 16-bit integers; a longer region is reduced first."""


def no_polygons() -> Polygons:
    return np.zeros((0, 4, 2), np.float32)


def orient(rectangles: NDArray[np.float32]) -> Polygons:
    """Corners of rectangles in any order around -> clockwise from the text's own top left.

    The edge that points most to the right is taken for the top, unless the rectangle then stands tall: such text is
    read downwards, so its own top left is the corner at the page's top right.
    """
    if not len(rectangles):
        return no_polygons()
    clockwise = np.where(_signed_area(rectangles)[:, None, None] < 0, rectangles[:, ::-1], rectangles)
    edges = np.roll(clockwise, -1, axis=1) - clockwise
    lengths = np.linalg.norm(edges, axis=2)
    top = (edges[:, :, 0] / np.maximum(lengths, 1e-6)).argmax(axis=1)
    rows = np.arange(len(edges))
    tall = lengths[rows, (top + 1) % 4] >= TALL * lengths[rows, top]
    start = (top + tall) % 4
    oriented = clockwise[rows[:, None], (start[:, None] + np.arange(4)) % 4]
    return np.asarray(oriented, np.float32)


def sizes(polygons: Polygons) -> NDArray[np.float32]:
    """(n, 2): length along the reading direction, and across it."""
    along = np.linalg.norm(polygons[:, [1, 2]] - polygons[:, [0, 3]], axis=2).max(axis=1)
    across = np.linalg.norm(polygons[:, [3, 2]] - polygons[:, [0, 1]], axis=2).max(axis=1)
    return np.stack([along, across], axis=1).astype(np.float32)


def clip(polygons: Polygons, *, height: int, width: int) -> Polygons:
    """Corners moved onto the page. A page `width` pixels wide spans 0 to `width`."""
    return np.clip(polygons, 0, np.array([width, height], np.float32)).astype(np.float32)


def crop(page: Image, polygon: NDArray[np.float32]) -> Image:
    """The pixels under one box with its text level; at least one pixel either way, whatever the box."""
    width, height = np.maximum(sizes(polygon[None])[0], 1)
    low = np.floor(polygon.min(axis=0)).astype(int) - 2  # room for the cubic kernel
    high = np.ceil(polygon.max(axis=0)).astype(int) + 3
    limit = np.array([page.shape[1], page.shape[0]])
    low, high = np.clip(low, 0, limit - 1), np.clip(high, 1, limit)
    source = page[low[1] : high[1], low[0] : high[0]]
    corners = polygon - low.astype(np.float32)
    if max(source.shape) > _LONGEST_SOURCE:
        shrink = _LONGEST_SOURCE / max(source.shape)
        smaller = [max(1, int(side * shrink)) for side in source.shape[:2]]
        source = _as_image(cv2.resize(source, smaller[::-1], interpolation=cv2.INTER_AREA))
        corners, width, height = corners * shrink, max(1, width * shrink), max(1, height * shrink)
    return _warp(source, corners, width=round(float(width)), height=round(float(height)))


def _warp(source: Image, corners: NDArray[np.float32], *, width: int, height: int) -> Image:
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform((corners - 0.5).astype(np.float32), target - 0.5)  # pixels' middles
    if abs(np.linalg.det(matrix)) < 1e-12 or not np.isfinite(matrix).all():
        return np.zeros((height, width, 3), np.uint8)  # corners on one line: there is nothing to read
    warped = cv2.warpPerspective(
        source, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return _as_image(warped)


def _signed_area(quads: NDArray[np.float32]) -> NDArray[np.float32]:
    """Positive for corners that run clockwise on the screen."""
    x, y = quads[:, :, 0], quads[:, :, 1]
    following = np.roll(x, -1, axis=1) * y - np.roll(y, -1, axis=1) * x
    return np.asarray(-following.sum(axis=1) / 2, np.float32)


def _as_image(array: object) -> Image:
    return np.ascontiguousarray(array, np.uint8)
