"""Check boxes of a form among the lines of its page: which line each belongs to, and how it is written there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .geometry import Polygons

TICKED, EMPTY = "☑", "☐"

_NEAR_HEIGHTS = 3.0
"""Heights of a line between a check box and its label, at most."""

_INTO_HEIGHTS = 0.5
"""Heights of a line by which a label's box may reach into the check box."""

_INSIDE_WIDTHS = 1.5
"""A line in a check box that is at most so many times as wide as it is the tick, misread as a letter."""

_MISREAD = re.compile(r"^(?:[^\w\s]{1,2}|[xXvV])(?:\s+|$)")
"""What a recogniser makes of a check box at the beginning of a line."""

Boxes = NDArray[np.float64]
"""(n, 4): x0, y0, x1, y1, in pixels of the upright page."""


@dataclass(slots=True)
class Ticks:
    """`texts`: the lines whose text tells a check box, and that text. `within`: lines that are a tick, misread.
    `alone`: check boxes without a label, and their sign."""

    texts: dict[int, str] = field(default_factory=dict)
    within: set[int] = field(default_factory=set)
    alone: list[tuple[int, str]] = field(default_factory=list)


def ticks_of(boxes: Boxes, ticked: Sequence[bool], lines: Polygons, texts: Sequence[str]) -> Ticks:
    """Each check box stands before the line to its right, behind the one to its left, or alone."""
    extents = np.concatenate([lines.min(axis=1), lines.max(axis=1)], axis=1).astype(np.float64)
    told = Ticks()
    for number, (box, is_ticked) in enumerate(zip(boxes, ticked, strict=True)):
        sign = TICKED if is_ticked else EMPTY
        told.within |= _within(box, extents)
        label = _label(box, extents, told)
        if label is None:
            told.alone.append((number, sign))
        elif extents[label, 2] > box[2]:
            text = _MISREAD.sub("", texts[label]) if _covers(extents[label], box) else texts[label]
            told.texts[label] = f"{sign} {text.strip()}"
        else:
            told.texts[label] = f"{texts[label].strip()} {sign}"
    return told


def _within(box: NDArray[np.float64], lines: Boxes) -> set[int]:
    x, y = (lines[:, 0] + lines[:, 2]) / 2, (lines[:, 1] + lines[:, 3]) / 2
    inside = (x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])
    narrow = lines[:, 2] - lines[:, 0] <= _INSIDE_WIDTHS * (box[2] - box[0])
    return set(np.flatnonzero(inside & narrow).tolist())


def _label(box: NDArray[np.float64], lines: Boxes, told: Ticks) -> int | None:
    """The nearest line beside a box, to its right if there is one; a line labels one box."""
    middle, heights = (box[1] + box[3]) / 2, lines[:, 3] - lines[:, 1]
    level = (lines[:, 1] < middle) & (lines[:, 3] > middle)
    level[[*told.within, *told.texts]] = False
    right, left = lines[:, 0] - box[2], box[0] - lines[:, 2]
    for gaps, beyond in ((right, lines[:, 2] > box[2]), (left, lines[:, 0] < box[0])):
        reach = (gaps <= _NEAR_HEIGHTS * heights) & ((gaps >= -_INTO_HEIGHTS * heights) | _covering(lines, box))
        near = np.flatnonzero(level & beyond & reach)
        if len(near):
            return int(near[gaps[near].argmin()])
    return None


def _covering(lines: Boxes, box: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each line begins in or before the box and goes on behind it: the box was read with its label."""
    middle = (box[0] + box[2]) / 2
    return np.asarray((lines[:, 0] <= middle) & (lines[:, 0] >= box[0] - (box[2] - box[0])) & (lines[:, 2] > box[2]))


def _covers(line: NDArray[np.float64], box: NDArray[np.float64]) -> bool:
    return bool(_covering(line[None], box)[0])
