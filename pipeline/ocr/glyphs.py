"""The shapes of single characters in a line's crop: where the ink of each lies, and how much of its box it fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from .geometry import Image

_APART_WIDTHS = 0.3
"""Components that overlap along the line by more than this share of the narrower one are one character."""

_LEAST_AREA_PX = 3
"""Pixels of a component; fewer are noise."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """`left`, `top`, `right`, `bottom` in pixels of the crop; `fill`: the share of that box that is ink."""

    left: int
    top: int
    right: int
    bottom: int
    fill: float

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
    ink = light if 2 * int(light.sum()) < light.size else 1 - light
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    found = [part for part in stats[1:].tolist() if part[cv2.CC_STAT_AREA] >= _LEAST_AREA_PX]
    parts: list[Glyph] = []
    for x, y, width, height, area in sorted(found):
        glyph = Glyph(x, y, x + width, y + height, area / (width * height))
        if parts and parts[-1].right - x > _APART_WIDTHS * min(parts[-1].width, width):
            parts[-1] = _joined(parts[-1], glyph)
        else:
            parts.append(glyph)
    return parts


def _joined(one: Glyph, other: Glyph) -> Glyph:
    left, top = min(one.left, other.left), min(one.top, other.top)
    right, bottom = max(one.right, other.right), max(one.bottom, other.bottom)
    ink = one.fill * one.width * one.height + other.fill * other.width * other.height
    return Glyph(left, top, right, bottom, ink / ((right - left) * (bottom - top)))
