"""Leaders, the rows of dots between an entry and its page number, shortened before a line is read.

A leader makes a line many times longer than its text. The recogniser then squeezes the text, or loses it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Image

_LEAST_ASPECT = 12.0
"""Lines fewer times as long as high have no leader that is worth shortening."""

_DOT_HEIGHTS = (0.03, 0.25)
"""Sides of a dot, as shares of the line's height."""

_LEVEL_HEIGHTS = 0.12
"""Share of the line's height by which neighbouring dots are apart at most, up or down."""

_LEAST_DOTS, _KEPT_DOTS = 8, 3
"""A leader has at least 8 dots. 3 of them stay, so that a reader sees that it was there."""

_MOST_UNEVEN = 0.3
"""Share of the median distance between dots by which at least half of the distances differ from it at most."""


def shortened(line: Image) -> Image:
    """A level line's crop without most of the dots of its leaders; the crop itself where there are none."""
    height, width = line.shape[:2]
    if width < _LEAST_ASPECT * height:
        return line
    cuts = [(first[2], last[0]) for first, last in _leaders(_components(line), height)]
    if not cuts:
        return line
    kept = np.ones(width, bool)
    for begin, end in cuts:
        kept[begin:end] = False
    return np.ascontiguousarray(line[:, kept])


Box = tuple[int, int, int, int]
"""x0, y0, x1, y1, in pixels of the crop."""


def _components(line: Image) -> list[Box]:
    """Dark components, from left to right."""
    grey = cv2.cvtColor(line, cv2.COLOR_BGR2GRAY)
    _, dark = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    _, _, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    x, y, width, height = stats[1:, :4].T
    boxes = np.stack([x, y, x + width, y + height], axis=1)
    return [tuple(box) for box in boxes[np.argsort(x, kind="stable")].tolist()]


def _leaders(components: list[Box], height: int) -> list[tuple[Box, Box]]:
    """Of each leader the last dot that stays before the cut, and the first that stays behind it."""
    runs: list[list[Box]] = [[]]
    for box in components:
        if not _is_dot(box, height):
            runs.append([])
        elif runs[-1] and abs(_middle(box) - _middle(runs[-1][-1])) > _LEVEL_HEIGHTS * height:
            runs.append([box])
        else:
            runs[-1].append(box)
    return [(run[_KEPT_DOTS - 1], run[-1]) for run in runs if len(run) >= _LEAST_DOTS and _is_even(run)]


def _is_dot(box: Box, height: int) -> bool:
    low, high = (share * height for share in _DOT_HEIGHTS)
    return low <= box[2] - box[0] <= high and low <= box[3] - box[1] <= high


def _middle(box: Box) -> float:
    return (box[1] + box[3]) / 2


def _is_even(run: list[Box]) -> bool:
    apart: NDArray[np.float64] = np.diff([(box[0] + box[2]) / 2 for box in run])
    usual = float(np.median(apart))
    return bool((np.abs(apart - usual) <= _MOST_UNEVEN * usual).mean() >= 0.5)
