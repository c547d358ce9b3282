"""Check boxes of a form among the lines of its page: which line each belongs to, and how it is written there.

The form says where its boxes are and which are ticked. So they are taken off the picture before it is read, for a
recogniser takes a box for a letter of its label, and are written into the text afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .geometry import Polygons

TICKED, EMPTY = "☑", "☐"

_AFTER_HEIGHTS, _BEFORE_HEIGHTS = 3.0, 20.0
"""Heights of a line between a check box and its label, at most: a label behind it, and one before it. Forms set boxes
close before their labels, or in a column at the end of a row."""

_INTO_HEIGHTS = 0.5
"""Heights of a line by which a label's loose box may reach into the check box."""

_LEVEL_HEIGHTS = 0.25
"""Heights of a line by which the middle of a check box may lie above or below its label: labels of two lines."""

_SQUARE_RATIO = 2.0
"""Ratio of the sides from which a box is no box alone: its label may be drawn with it."""

_RING_PX = 2
"""Width of the frame around a check box whose colour is taken for the ground's."""

Boxes = NDArray[np.float64]
"""(n, 4): x0, y0, x1, y1, in pixels of the upright page."""


@dataclass(slots=True)
class Ticks:
    """`texts`: the lines whose text tells check boxes, and that text. `members`: the check boxes of each such line.
    `alone`: check boxes without a label, and their sign."""

    texts: dict[int, str] = field(default_factory=dict)
    members: dict[int, list[int]] = field(default_factory=dict)
    alone: list[tuple[int, str]] = field(default_factory=list)


def without_boxes(image: NDArray[np.uint8], boxes: Sequence[tuple[float, float, float, float]]) -> NDArray[np.uint8]:
    """The page, (h, w, 3) uint8, its check boxes painted over in the colour around each. A copy if there are any."""
    page, (height, width) = image.copy() if boxes else image, image.shape[:2]
    for x0, y0, x1, y1 in boxes:
        left, top = max(0, int(x0) - 1), max(0, int(y0) - 1)
        right, bottom = min(width, int(x1) + 2), min(height, int(y1) + 2)
        sides = (right - left, bottom - top)
        if min(sides) > 0 and max(sides) <= _SQUARE_RATIO * min(sides):
            page[top:bottom, left:right] = _ground(image, left, top, right, bottom)
    return page


def _ground(image: NDArray[np.uint8], left: int, top: int, right: int, bottom: int) -> NDArray[np.uint8]:
    """(3,): the median colour of a ring around a box."""
    x, y = max(0, left - _RING_PX), max(0, top - _RING_PX)
    around = image[y : bottom + _RING_PX, x : right + _RING_PX]
    ring = np.ones(around.shape[:2], bool)
    ring[top - y : bottom - y, left - x : right - x] = False
    seen = around[ring] if ring.any() else around.reshape(-1, 3)
    return np.asarray(np.median(seen, axis=0), np.uint8)


def ticks_of(boxes: Boxes, ticked: Sequence[bool], lines: Polygons, texts: Sequence[str]) -> Ticks:
    """Each check box stands before the label behind it; else behind the line before it, which may have several, as a
    question has its answers; else alone."""
    extents = np.concatenate([lines.min(axis=1), lines.max(axis=1)], axis=1).astype(np.float64)
    signs = [TICKED if is_ticked else EMPTY for is_ticked in ticked]
    order = np.argsort(boxes[:, 0], kind="stable").tolist()
    told = Ticks()
    for number in order:
        label = _label_behind(boxes[number], boxes, extents)
        if label is not None and label not in told.texts:
            told.texts[label] = f"{signs[number]} {texts[label].strip()}"
            told.members[label] = [number]
            signs[number] = ""
    labelled = [*told.texts]
    for number in filter(signs.__getitem__, order):
        label = _label_before(boxes[number], extents, labelled)
        if label is None:
            told.alone.append((number, signs[number]))
        else:
            told.texts[label] = f"{told.texts.get(label, texts[label]).strip()} {signs[number]}"
            told.members.setdefault(label, []).append(number)
    return told


def stretched(line: Polygons, boxes: Boxes) -> Polygons:
    """(4, 2): a line whose ends are moved along it until it reaches over its check boxes."""
    (x0, x1), ends = (boxes[:, 0].min(), boxes[:, 2].max()), line.astype(np.float64)
    for left, right in ((0, 1), (3, 2)):
        along = ends[right] - ends[left]
        if along[0] > 0:
            slope = along / along[0]
            ends[left], ends[right] = (
                ends[left] + slope * min(0.0, x0 - ends[left, 0]),
                ends[right] + slope * max(0.0, x1 - ends[right, 0]),
            )
    return ends.astype(np.float32)


def _label_behind(box: NDArray[np.float64], boxes: Boxes, lines: Boxes) -> int | None:
    """The nearest line to the right of a box, with no other box between."""
    label = _nearest(lines, lines[:, 0] - box[2], box, _AFTER_HEIGHTS, beyond=lines[:, 2] > box[2])
    if label is None:
        return None
    middle = (box[1] + box[3]) / 2
    level = (boxes[:, 1] < middle) & (boxes[:, 3] > middle)
    return None if (level & (boxes[:, 0] >= box[2]) & (boxes[:, 2] <= lines[label, 2])).any() else label


def _label_before(box: NDArray[np.float64], lines: Boxes, labelled: Sequence[int]) -> int | None:
    """The nearest line to the left of a box, unless it is the label of another one."""
    label = _nearest(lines, box[0] - lines[:, 2], box, _BEFORE_HEIGHTS, beyond=lines[:, 0] < box[0])
    return None if label in labelled else label


def _nearest(
    lines: Boxes, gaps: NDArray[np.float64], box: NDArray[np.float64], most_heights: float, *, beyond: NDArray[np.bool_]
) -> int | None:
    """The line level with a box whose gap to it is the smallest, at most so many heights of that line."""
    middle, heights = (box[1] + box[3]) / 2, lines[:, 3] - lines[:, 1]
    room = _LEVEL_HEIGHTS * heights
    level = (lines[:, 1] - room < middle) & (lines[:, 3] + room > middle)
    near = np.flatnonzero(level & beyond & (gaps <= most_heights * heights) & (gaps >= -_INTO_HEIGHTS * heights))
    return int(near[gaps[near].argmin()]) if len(near) else None
