"""The shapes of single characters in a line's crop: where the ink of each lies, and how much of its box it fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Image

_APART_WIDTHS = 0.3
"""Components that overlap along the line by more than this share of the narrower one are one character."""

_LEAST_AREA_PX = 3
"""Pixels of a component; fewer are noise."""

_Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels of the crop."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """`left`, `top`, `right`, `bottom` in pixels of the crop; `fill`: the share of that box that is ink, `core`: of its
    middle third, along and across."""

    left: int
    top: int
    right: int
    bottom: int
    fill: float
    core: float

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def glyphs_of(line: Image, words: Sequence[str]) -> list[tuple[Glyph, ...] | None]:
    """The glyphs of each of the `words` of a level line, one a character, from left to right.

    The widest gaps part the words. None for a word whose ink does not fall into as many parts as it has characters:
    some touch, or something else stands there.
    """
    parts = _parts(line)
    gaps = [right.left - left.right for left, right in pairwise(parts)]
    widest = sorted(range(len(gaps)), key=lambda gap: -gaps[gap])[: len(words) - 1]
    if len(widest) < len(words) - 1:
        return [None] * len(words)
    bounds = [0, *(gap + 1 for gap in sorted(widest)), len(parts)]
    groups = [tuple(parts[begin:end]) for begin, end in pairwise(bounds)]
    return [group if len(group) == len(word) else None for group, word in zip(groups, words, strict=True)]


def _parts(line: Image) -> list[Glyph]:
    grey = cv2.cvtColor(line, cv2.COLOR_BGR2GRAY)
    _, light = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    ink = (light if 2 * int(light.sum()) < light.size else 1 - light).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    found = [part for part in stats[1:].tolist() if part[cv2.CC_STAT_AREA] >= _LEAST_AREA_PX]
    boxes: list[_Box] = []
    for x, y, width, height, _ in sorted(found):
        box = (x, y, x + width, y + height)
        if boxes and boxes[-1][2] - x > _APART_WIDTHS * min(boxes[-1][2] - boxes[-1][0], width):
            boxes[-1] = _joined(boxes[-1], box)
        else:
            boxes.append(box)
    return _measured(ink, boxes)


def _joined(one: _Box, other: _Box) -> _Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _measured(ink: NDArray[np.uint8], boxes: Sequence[_Box]) -> list[Glyph]:
    if not boxes:
        return []
    edges = np.array(boxes)
    third = (edges[:, 2:] - edges[:, :2]) // 3
    cores = np.concatenate([edges[:, :2] + third, edges[:, 2:] - third], axis=1)
    shares = _ink_shares(ink, np.concatenate([edges, cores]))
    return [Glyph(*box, fill, core) for box, fill, core in zip(boxes, shares, shares[len(boxes) :], strict=False)]


def _ink_shares(ink: NDArray[np.uint8], edges: NDArray[np.int64]) -> list[float]:
    """The share of ink in each of some boxes, (n, 4) as `_Box`."""
    sums = np.asarray(cv2.integral(ink), np.int32)  # (height + 1, width + 1): of the ink above and to the left
    left, top, right, bottom = edges.T
    inked = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    shares: list[float] = (inked / ((right - left) * (bottom - top))).tolist()
    return shares
