"""A page turned so that its rulings are level, reduced to the size at which rulings are looked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Image, Polygons, sizes
from .reading_frame import direction_of
from .tables.frame import slope_of

Mask = NDArray[np.uint8]
"""(height, width), 0 or 1."""

_LINE_PX = 20.0
"""Height of the median line in the reduced picture. Hairlines are still visible, and a page takes milliseconds."""

_STROKE_LINE_HEIGHTS = 0.3
"""Rulings and strokes of letters are thinner than this."""

_HAIRLINE = 0.5
"""Width of a hairline in the reduced picture: what is thinner is drawn wider, or it would fade into the paper."""

_DARKER_GREY_LEVELS, _NOISE = 6, 2.0
"""A ruling is at least this much darker than the paper, and this many times as dark as the paper's noise. Spreadsheets
draw their rulings in pale grey."""

_ALONG_LINE_HEIGHTS = 2.0
"""Unbroken length of a ruling that tells how far the page is turned."""

_LONG_LINE_HEIGHTS = 8.0
_LEVEL_SLOPE, _STEEPEST_SLOPE = 0.0008, 0.1
"""Rulings of at least this length are measured. Below the first slope a ruling across a page keeps its pixel row."""


@dataclass(frozen=True, slots=True, eq=False)
class LevelPage:
    """A reduced page with level rulings.

    `ink` is (h, w) uint8: by how many grey levels each pixel is darker than the paper around, for strokes and rulings
    alike. `lines` are the page's lines in this frame, `line_px` is the height of the median one.
    `to_page` (2, 3) leads from this frame to the page.
    """

    ink: NDArray[np.uint8]
    lines: Polygons
    line_px: float
    to_page: NDArray[np.float64]

    def with_lines(self, polygons: Polygons) -> LevelPage:
        """The same for other lines of the page; `line_px` stays."""
        turn = cv2.invertAffineTransform(self.to_page)
        lines = np.asarray(polygons @ turn[:, :2].T + turn[:, 2], np.float32)
        return replace(self, lines=lines)

    @property
    def dark(self) -> Mask:
        """Pixels of rulings and strokes, however pale."""
        return np.asarray(self.ink > max(_DARKER_GREY_LEVELS, _NOISE * float(np.median(self.ink))), np.uint8)

    def on_page(self, points: NDArray[np.float64]) -> Polygons:
        """`points`: (..., 2) in this frame."""
        return np.asarray(points @ self.to_page[:, :2].T + self.to_page[:, 2], np.float32)


def level_page(image: Image, lines: Polygons) -> LevelPage:
    """`lines`: one at least. Their slope is a first guess; long rulings then tell the slope exactly."""
    grey, scale = _reduced(image, lines)
    guesses = sorted({0.0 if abs(slope) < _LEVEL_SLOPE else slope for slope in _slopes(lines)}, key=abs)
    pages = [(slope, _turned(grey, scale, lines, slope)) for slope in guesses]
    slope, page = max(pages, key=lambda guess: _ruled_px(guess[1])) if len(pages) > 1 else pages[0]
    more = _slope_of_rulings(page)
    exact = float(np.tan(np.arctan(slope) + np.arctan(more)))
    return _turned(grey, scale, lines, exact) if abs(more) > _LEVEL_SLOPE else page


def line_height(lines: Polygons) -> float:
    """Pixels, 1 at least; of the median line."""
    return max(1.0, float(np.median(np.linalg.norm(lines[:, 3] - lines[:, 0], axis=1))))


def _reduced(image: Image, lines: Polygons) -> tuple[NDArray[np.uint8], float]:
    scale = min(1.0, _LINE_PX / line_height(lines))
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    wide = 1 + int(_HAIRLINE / scale)
    grey = cv2.erode(grey, np.ones((wide, wide), np.uint8)) if wide > 1 else grey
    size = [max(1, round(side * scale)) for side in grey.shape[::-1]]
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _slopes(lines: Polygons) -> list[float]:
    """Of rows of lines, and of the lines themselves: either may be misled, by columns or by tilted boxes."""
    angle = direction_of(lines).angle
    own = float(np.tan(angle - round(angle / (np.pi / 2)) * np.pi / 2))
    return [slope_of(lines), own if _LEVEL_SLOPE * 5 < abs(own) < _STEEPEST_SLOPE else 0.0]


def _turned(grey: NDArray[np.uint8], scale: float, lines: Polygons, slope: float) -> LevelPage:
    height, width = grey.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(np.degrees(np.arctan(slope))), 1.0)
    if slope:
        grey = np.asarray(cv2.warpAffine(grey, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    line_px = max(1.0, line_height(lines) * scale)
    side = 1 + 2 * max(1, round(_STROKE_LINE_HEIGHTS * line_px / 2))
    ink = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, np.ones((side, side), np.uint8))
    there = (lines * scale) @ turn[:, :2].T + turn[:, 2]
    back = np.asarray(cv2.invertAffineTransform(turn), np.float64) / scale
    return LevelPage(np.asarray(ink, np.uint8), there.astype(np.float32), line_px, back)


def _ruled_px(page: LevelPage) -> int:
    return int(np.count_nonzero(runs(page.dark, round(_ALONG_LINE_HEIGHTS * page.line_px))))


def runs(dark: Mask, least_px: int) -> Mask:
    """Where the picture is dark for at least `least_px` pixels along."""
    return np.asarray(cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, max(3, least_px)), np.uint8)), np.uint8)


def _slope_of_rulings(page: LevelPage) -> float:
    """The median over long rulings, longer ones counting for more; 0 without any."""
    along = runs(page.dark, round(_ALONG_LINE_HEIGHTS * page.line_px))
    joined = cv2.morphologyEx(along, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(np.asarray(joined, np.uint8), connectivity=8)
    found = [
        (_slope_of(labels[y : y + h, x : x + w] == number), w)
        for number, (x, y, w, h) in enumerate(stats[:, :4].tolist())
        if number and w >= _LONG_LINE_HEIGHTS * page.line_px and h <= max(4.0, _STEEPEST_SLOPE * w)
    ]
    if not found:
        return 0.0
    slopes, widths = np.array(sorted(found)).T
    return float(slopes[np.searchsorted(np.cumsum(widths), widths.sum() / 2)])


def _slope_of(ruling: NDArray[np.bool_]) -> float:
    """Between the middles of both ends."""
    part = max(1, ruling.shape[1] // 5)
    left, right = ruling[:, :part], ruling[:, -part:]
    rows = np.arange(ruling.shape[0])
    first, last = (float(np.average(rows, weights=end.sum(axis=1))) for end in (left, right))
    return (last - first) / float(ruling.shape[1] - part)


def as_boxes(lines: Polygons) -> NDArray[np.float64]:
    """(n, 4): x0, y0, x1, y1 of lines that are nearly level, as large as they are along and across themselves."""
    middles = lines.mean(axis=1).astype(np.float64)
    along, across = sizes(lines).T.astype(np.float64)
    edge = lines[:, 1] - lines[:, 0]
    upright = np.abs(edge[:, 1]) > np.abs(edge[:, 0])
    half = np.stack([np.where(upright, across, along), np.where(upright, along, across)], axis=1) / 2
    return np.concatenate([middles - half, middles + half], axis=1)
