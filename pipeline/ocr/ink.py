"""The ink of a page that has the size and shape of characters: how large the print is, and which of it no line holds.

The detector's answer can't tell what the detector did not see. The ink can: it is found without any network, in 3 to
20 ms a page.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Image, Polygons

_BLOCK_PX, _DARKER_LEVELS = 31, 15
"""A pixel is ink where it is this many grey levels darker than the mean of the square around it."""

_DARK_PAGE_LEVEL = 110
"""Mean grey level of a page below which its print is taken for lighter than its ground."""

_LEAST_HEIGHT_PX = 4
_MOST_PAGE_SHARE = 0.1
_MOST_ASPECT = 8.0
_FILLED = (0.12, 0.95)
"""A character is at least so high, at most a tenth of the page high, no bar either way, and neither a frame nor a blot:
the share of its box that is ink lies between these two."""

_ALIKE_HEIGHTS = (0.5, 2.0)
"""Characters of a page's print are between half and twice as high as the print's median."""

DASH_ASPECT = 1.5
_DASH_HEIGHTS = (0.4, 0.33, 2.2)
_DASH_FILLED = 0.6
"""A dash is at least 1.5 times as long as high, and 0.6 of its box is ink. It is at most 0.4 times as high as the
median character of the print, and 0.33 to 2.2 times as long."""

_MAP_HEIGHT_PX = 8.0
"""Pixels of a character on the maps that tell which line it lies in, and what is beside it."""

_REACH_HEIGHTS = 0.6
"""Characters of one line are at most twice this many of their own heights apart."""

_LEAST_RUN = 4
_MOST_RUN_HEIGHTS = 2.0
_LEAST_RUN_ASPECT = 2.0
"""A run of characters looks like a line of text if it has at least 4 of them, is at most twice as high as their median
and at least twice as long as high."""


@dataclass(frozen=True, slots=False, eq=False)
class Ink:
    """`boxes`: (n, 4) int32, x0, y0, x1, y1 in pixels of the page, of the components that may be characters; `dashes`:
    (m, 4), of those that may be dashes, which are too low for a character.

    `height_px`: of the page's print, the median weighted by height, so that specks don't count; 0 without ink.
    """

    boxes: NDArray[np.int32]
    dashes: NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 4), np.int32))

    @cached_property
    def height_px(self) -> float:
        heights = np.sort(self.boxes[:, 3] - self.boxes[:, 1])
        if not len(heights):
            return 0.0
        running = np.cumsum(heights, dtype=np.int64)
        return float(heights[np.searchsorted(running, running[-1] / 2)])

    @property
    def print(self) -> Ink:
        """The characters about as high as the page's print."""
        heights = self.boxes[:, 3] - self.boxes[:, 1]
        low, high = (share * self.height_px for share in _ALIKE_HEIGHTS)
        return Ink(self.boxes[(heights >= low) & (heights <= high)])

    def owners(self, lines: Polygons, *, height: int, width: int) -> NDArray[np.int32]:
        """(n,): the line that the middle of each character lies in, -1 for none, the last of several. `lines` lie on a
        page of `height` x `width` pixels."""
        scale = min(1.0, _MAP_HEIGHT_PX / max(1.0, self.height_px))
        shape = int(height * scale) + 1, int(width * scale) + 1
        owners = np.full(shape, -1, np.int32)
        for number, line in enumerate(lines):
            cv2.fillConvexPoly(owners, np.round(line * scale).astype(np.int32), number)
        x, y = ((self.boxes[:, :2] + self.boxes[:, 2:]) / 2 * scale).astype(int).T
        return np.asarray(owners[np.clip(y, 0, shape[0] - 1), np.clip(x, 0, shape[1] - 1)], np.int32)

    def outside(self, polygons: Polygons, *, height: int, width: int) -> Ink:
        """The characters whose middle lies in none of `polygons`, which lie on a page of `height` x `width` pixels."""
        return Ink(self.boxes[self.owners(polygons, height=height, width=width) < 0])

    def in_lines(self) -> Ink:
        """The characters that stand in a row as those of a line of text do."""
        if len(self.boxes) < _LEAST_RUN:
            return Ink(self.boxes[:0])
        runs, boxes = _runs(self.boxes)
        counts = np.bincount(runs)
        low = np.full((len(counts), 2), np.iinfo(np.int32).max, np.int32)
        high = np.zeros((len(counts), 2), np.int32)
        np.minimum.at(low, runs, boxes[:, :2])
        np.maximum.at(high, runs, boxes[:, 2:])
        across, down = (high - low).clip(1).T
        typical = np.array([np.median(boxes[runs == run, 3] - boxes[runs == run, 1]) if counts[run] >= _LEAST_RUN else 0
                            for run in range(len(counts))])  # fmt: skip
        lines = (counts >= _LEAST_RUN) & (down <= _MOST_RUN_HEIGHTS * typical) & (across >= _LEAST_RUN_ASPECT * down)
        return Ink(boxes[lines[runs]])


def ink_of(page: Image) -> Ink:
    """The characters of a page, dark on light or light on dark; other components are left out."""
    grey = cv2.cvtColor(page, cv2.COLOR_BGR2GRAY)
    dark_page = float(grey[::8, ::8].mean()) < _DARK_PAGE_LEVEL
    if dark_page:
        grey = cv2.bitwise_not(grey)
    drawn = cv2.adaptiveThreshold(
        grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, _BLOCK_PX, _DARKER_LEVELS
    )
    _, _, stats, _ = cv2.connectedComponentsWithStats(drawn, connectivity=8)
    found = np.asarray(stats[1:], np.int32)
    ink = Ink(_characters(found, page_height=page.shape[0]))
    return replace(ink, dashes=_dashes(found, ink.height_px))


def _dashes(stats: NDArray[np.int32], print_height: float) -> NDArray[np.int32]:
    x, y, width, height, area = stats[:, :5].T
    low, long = height <= _DASH_HEIGHTS[0] * print_height, width >= DASH_ASPECT * height
    sized = (width >= _DASH_HEIGHTS[1] * print_height) & (width <= _DASH_HEIGHTS[2] * print_height)
    chosen = low & long & sized & (area >= _DASH_FILLED * width * height)
    return np.asarray(np.stack([x, y, x + width, y + height], axis=1)[chosen], np.int32)


def _characters(stats: NDArray[np.int32], *, page_height: int) -> NDArray[np.int32]:
    x, y, width, height, area = stats[:, :5].T
    filled = area / np.maximum(width * height, 1)
    chosen = (
        (height >= _LEAST_HEIGHT_PX)
        & (height <= max(_MOST_PAGE_SHARE * page_height, 2 * _BLOCK_PX))
        & (width <= _MOST_ASPECT * height)
        & (height <= _MOST_ASPECT * width)
        & (filled >= _FILLED[0])
        & (filled <= _FILLED[1])
    )
    return np.asarray(np.stack([x, y, x + width, y + height], axis=1)[chosen], np.int32)


def _runs(boxes: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(n,): the run of each character, counted from 0; characters of a run reach one another along the page."""
    low = boxes[:, :2].min(axis=0)
    height = max(1.0, float(np.median(boxes[:, 3] - boxes[:, 1])))
    scale = min(1.0, _MAP_HEIGHT_PX / height)
    shape = np.ceil((boxes[:, 2:].max(axis=0) - low) * scale).astype(int) + 2
    drawn = np.zeros((shape[1], shape[0]), np.uint8)
    reach = np.round(_REACH_HEIGHTS * (boxes[:, 3] - boxes[:, 1])).astype(np.int32)
    spread = boxes + np.stack([-reach, np.zeros_like(reach), reach, np.zeros_like(reach)], axis=1)
    corners = np.clip((spread - np.tile(low, 2)) * scale, 0, np.tile(shape - 1, 2)).astype(np.int32)
    for x0, y0, x1, y1 in corners.tolist():
        drawn[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = 1
    _, labels = cv2.connectedComponents(drawn, connectivity=4)
    middles = np.clip(((boxes[:, [1, 0]] + boxes[:, [3, 2]]) / 2 - low[::-1]) * scale, 0, shape[::-1] - 1).astype(int)
    _, runs = np.unique(labels[middles[:, 0], middles[:, 1]], return_inverse=True)
    return runs.astype(np.int32), boxes
