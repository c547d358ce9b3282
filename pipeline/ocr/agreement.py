"""Do two readings of one page agree: which lines are the same line, and how do their texts differ?

Lines are paired by the overlap of their polygons, the best overlaps first; a line has one partner at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

SAME_LINE = 0.5
"""Overlap from which two polygons are taken for the same line. Above it a line fits one other line only, as long as
lines of one reading do not lie upon each other."""


class Difference(StrEnum):
    """How two texts of one line differ; the first that is true."""

    NONE = "none"
    SPACING = "spacing only"
    CASE = "letter case"
    PUNCTUATION = "punctuation"
    CHARACTER = "one character"
    MORE = "more"


@dataclass(frozen=True, slots=True, eq=False)
class ReadLine:
    """`polygon`: (4, 2) float32, pixels of its page, a convex quadrilateral. `confidence`: 0 to 1."""

    text: str
    polygon: Points
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class ReadPage:
    """`width` and `height` in pixels of the frame that the polygons are in."""

    width: int
    height: int
    lines: tuple[ReadLine, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """`iou`: intersection of the two polygons over their union, SAME_LINE to 1."""

    ours: ReadLine
    theirs: ReadLine
    iou: float

    @property
    def difference(self) -> Difference:
        return difference(self.ours.text, self.theirs.text)


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """Every line of both readings, once."""

    pairs: tuple[Pair, ...]
    only_ours: tuple[ReadLine, ...]
    only_theirs: tuple[ReadLine, ...]


def pair_lines(ours: ReadPage, theirs: ReadPage, *, bound: float = SAME_LINE) -> Paired:
    """Coordinates of `theirs` are brought to the size of `ours` first: the two may have rendered a page differently."""
    left, right = ours.lines, resized(theirs, width=ours.width, height=ours.height).lines
    overlaps = [
        (iou(one.polygon, other.polygon), i, j)
        for i, one in enumerate(left)
        for j, other in enumerate(right)
        if _frames_touch(one.polygon, other.polygon)
    ]
    partner: dict[int, tuple[int, float]] = {}
    taken: set[int] = set()
    for value, i, j in sorted(overlaps, key=lambda found: (-found[0], found[1], found[2])):
        if value >= bound and i not in partner and j not in taken:
            partner[i] = j, value
            taken.add(j)
    return Paired(
        tuple(Pair(left[i], right[j], value) for i, (j, value) in sorted(partner.items())),
        tuple(line for i, line in enumerate(left) if i not in partner),
        tuple(line for j, line in enumerate(right) if j not in taken),
    )


def resized(page: ReadPage, *, width: int, height: int) -> ReadPage:
    if (page.width, page.height) == (width, height):
        return page
    scale = np.array([width / max(page.width, 1), height / max(page.height, 1)], np.float32)
    lines = tuple(replace(line, polygon=np.asarray(line.polygon * scale, np.float32)) for line in page.lines)
    return ReadPage(width, height, lines)


def iou(one: Points, other: Points) -> float:
    """Intersection over union of two convex quadrilaterals, 0 to 1; 0 where one of them has no area."""
    shared = intersection(one, other)
    union = area(one) + area(other) - shared
    return min(shared / union, 1.0) if union > 0 else 0.0


def intersection(one: Points, other: Points) -> float:
    """Pixels that both cover."""
    if min(area(one), area(other)) <= 0 or not _frames_touch(one, other):
        return 0.0
    corner = np.minimum(one.min(axis=0), other.min(axis=0))  # near the origin single precision is at its best
    shared, _ = cv2.intersectConvexConvex(_hull(one - corner), _hull(other - corner), handleNested=True)
    return float(min(shared, area(one), area(other)))


def area(polygon: Points) -> float:
    return float(cv2.contourArea(_hull(polygon)))


def difference(ours: str, theirs: str) -> Difference:
    if ours == theirs:
        return Difference.NONE
    one, other = without_spaces(ours), without_spaces(theirs)
    if one == other:
        return Difference.SPACING
    if one.casefold() == other.casefold():
        return Difference.CASE
    if _letters(one) == _letters(other):
        return Difference.PUNCTUATION
    return Difference.CHARACTER if edit_distance(one, other) == 1 else Difference.MORE


def without_spaces(text: str) -> str:
    return "".join(text.split())


def edit_distance(one: str, other: str) -> int:
    """Characters to insert, delete or replace to make one of the other."""
    row = list(range(len(other) + 1))
    for i, sign in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, wanted in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (sign != wanted))
    return row[-1]


def agreement(paired: Sequence[Paired], *, alike: frozenset[Difference] = frozenset({Difference.NONE})) -> float | None:
    """Lines that both have with texts `alike`, over all lines that either has; None where there is no line."""
    total = sum(len(one.pairs) + len(one.only_ours) + len(one.only_theirs) for one in paired)
    equal = sum(pair.difference in alike for one in paired for pair in one.pairs)
    return equal / total if total else None


def _letters(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def _hull(polygon: Points) -> Points:
    return np.asarray(cv2.convexHull(np.asarray(polygon, np.float32)), np.float32)


def _frames_touch(one: Points, other: Points) -> bool:
    return bool((one.min(axis=0) <= other.max(axis=0)).all() and (other.min(axis=0) <= one.max(axis=0)).all())
