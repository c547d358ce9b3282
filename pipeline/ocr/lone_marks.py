"""Dashes and single characters that stand alone in a table's column, which a text detector finds badly or not at all.

A dash for nil is a few pixels high. The detector misses it, or boxes it so tightly that a recogniser takes it for a 1.
So such marks are taken from the page's ink, and cut out with the room that a character of the page's print has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import Polygons
from .ink import DASH_ASPECT, Ink

_BOX_HEIGHTS = (0.3, 0.7)
"""Room beside, and above and below the middle, that a delivered mark's box has, in heights of the page's characters."""

_CROP_HEIGHTS = (0.8, 1.0)
"""The same of the crop that is read: of 46 drawn and scanned dashes all are then read as dashes."""

_ALONE_HEIGHTS = 1.0
"""Heights of a character beside a mark in which there is neither a line nor another mark of its row."""

_ALIGNED_HEIGHTS = 1.2
"""Heights of a character that the left ends, middles or right ends of what stands in one column are apart at most."""

_COLUMN = 2
_SHORT_HEIGHTS = 10.0
"""At least 2 lines or marks of other rows stand in a mark's column, one of them a line. Lines longer than 10 heights of
a character are text, not entries of a column."""

_MIDDLE_SHARE = 0.25
"""A mark stands in a line's row where its middle keeps this share of the line's height from its top and bottom."""

_NARROW_HEIGHTS = 3.5
"""A detected box this many characters' heights wide may hold a mark alone."""

_CHARACTER_HEIGHTS = 0.5
"""A line with ink at least this high, however much higher, holds more than a dash: strokes of a large Chinese sign look
like dashes."""

_MOST_MARKS = 200
"""Marks of one page; with more it is a pattern."""

Boxes = NDArray[np.float64]
"""(n, 4): x0, y0, x1, y1, in pixels of the page."""


@dataclass(frozen=True, slots=True, eq=False)
class LoneMarks:
    """`boxes` and `crops`: where the marks lie, and what is cut out to read them, (n, 4, 2) float32. `is_dash`: (n,),
    which of them have the shape of a dash. `instead`: (lines,), which of the page's lines hold a mark and no more."""

    boxes: Polygons
    crops: Polygons
    is_dash: NDArray[np.bool_]
    instead: NDArray[np.bool_]


def lone_marks(ink: Ink, lines: Polygons) -> LoneMarks:
    """`ink` of an upright page, and the `lines` that the detector found on it."""
    boxes = np.concatenate([lines.min(axis=1), lines.max(axis=1)], axis=1).astype(np.float64)
    characters, dashes = ink.print.boxes.astype(np.float64), ink.dashes.astype(np.float64)
    height = max(1.0, ink.height_px)
    tall = ink.boxes[ink.boxes[:, 3] - ink.boxes[:, 1] >= _CHARACTER_HEIGHTS * height]
    instead, held = _held_alone(dashes, tall.astype(np.float64), boxes, height)
    outside = np.concatenate(
        [dashes[~_inside(dashes, boxes).any(axis=1)], characters[~_inside(characters, boxes).any(axis=1)]]
    )
    alone = _in_table(outside, boxes[~instead], height)
    marks = np.concatenate([dashes[held], outside[alone]])
    if len(marks) > _MOST_MARKS:
        marks, instead = marks[:0], np.zeros(len(lines), np.bool_)
    wide = marks[:, 2] - marks[:, 0] >= DASH_ASPECT * (marks[:, 3] - marks[:, 1])
    return LoneMarks(_room(marks, height, _BOX_HEIGHTS), _room(marks, height, _CROP_HEIGHTS), wide, instead)


def _held_alone(
    dashes: Boxes, characters: Boxes, lines: Boxes, height: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(lines,): which lines hold one dash and nothing else; (dashes,): which dashes these are."""
    within = _inside(dashes, lines)
    narrow = lines[:, 2] - lines[:, 0] <= _NARROW_HEIGHTS * height
    instead = (within.sum(axis=0) == 1) & narrow & ~_inside(characters, lines).any(axis=0)
    return instead, (within & instead).any(axis=1)


def _in_table(marks: Boxes, lines: Boxes, height: float) -> NDArray[np.bool_]:
    """(marks,): which stand alone in a row that holds a line, and in a column that holds several."""
    if not len(marks) or not len(lines):
        return np.zeros(len(marks), np.bool_)
    every = np.concatenate([lines, marks])
    middle = (marks[:, 1] + marks[:, 3])[:, None] / 2
    room = _MIDDLE_SHARE * (lines[:, 3] - lines[:, 1])
    in_row = (middle > lines[:, 1] + room) & (middle < lines[:, 3] - room)
    level = np.concatenate([in_row, np.abs(middle - middle.T) < height / 2], axis=1)
    itself = np.concatenate([np.zeros_like(in_row), np.eye(len(marks), dtype=bool)], axis=1)
    gap = np.maximum(every[:, 0] - marks[:, 2:3], marks[:, 0:1] - every[:, 2])
    crowded = (level & ~itself & (gap < _ALONE_HEIGHTS * height)).any(axis=1)
    ends = np.stack([every[:, 0], (every[:, 0] + every[:, 2]) / 2, every[:, 2]], axis=1)
    own = ends[len(lines) :]
    short = every[:, 2] - every[:, 0] <= _SHORT_HEIGHTS * height
    aligned = (np.abs(own[:, None] - ends[None]) <= _ALIGNED_HEIGHTS * height).any(axis=2) & ~level & short
    in_column = (aligned.sum(axis=1) >= _COLUMN) & aligned[:, : len(lines)].any(axis=1)
    return np.asarray(in_row.any(axis=1) & ~crowded & in_column)


def _inside(marks: Boxes, lines: Boxes) -> NDArray[np.bool_]:
    """(marks, lines): whether the middle of a mark lies in a line's box."""
    x, y = ((marks[:, :2] + marks[:, 2:]) / 2).T[:, :, None]
    return np.asarray((x >= lines[:, 0]) & (x <= lines[:, 2]) & (y >= lines[:, 1]) & (y <= lines[:, 3]))


def _room(marks: Boxes, height: float, heights: tuple[float, float]) -> Polygons:
    """Boxes around the marks as polygons: `heights` beside them, and above and below their middle."""
    beside, above = heights[0] * height, heights[1] * height
    middle = (marks[:, 1] + marks[:, 3]) / 2
    x0, x1 = marks[:, 0] - beside, marks[:, 2] + beside
    y0, y1 = np.minimum(middle - above, marks[:, 1]), np.maximum(middle + above, marks[:, 3])
    corners = [np.stack(corner, axis=1) for corner in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
    return np.stack(corners, axis=1).astype(np.float32)
