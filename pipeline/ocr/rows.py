"""Which boxes stand in one row, though the paper curls and a stamp or a scribble reaches over several rows.

The surest neighbours are joined first. A row never holds two boxes one below the other, so a tall box joins the row it
fits best, and no two rows become one because of it.
"""

from __future__ import annotations

import numpy as np

from .reading_frame import Frame, Order

_SAME_ROW = 0.5
"""Share of the lower box's height that two boxes of one row have in common."""

_STACKED = 0.5
"""Boxes that have more than this share of the narrower one's width in common stand one below the other."""

_FACING = 16
"""More boxes than this at its side can't all face one box; the bound keeps heaps of boxes cheap."""


def rows_of(frame: Frame) -> list[list[int]]:
    """Rows from top to bottom, and the boxes of each from left to right."""
    rows = {place: [place] for place in range(len(frame))}
    for one, other in _neighbours(frame):
        first, second = rows[one], rows[other]
        if first is second or _stacked(frame, first, second):
            continue
        joined = first + second
        rows.update(dict.fromkeys(joined, joined))
    unique = {id(row): row for row in rows.values()}.values()
    along = [sorted(row, key=lambda place: (frame.left[place], place)) for row in unique]
    return sorted(along, key=lambda row: (_height_of(frame, row), row[0]))


def _neighbours(frame: Frame) -> list[tuple[int, int]]:
    """Boxes that face each other with none of their row between them, the likest first."""
    found = []
    for place in range(len(frame)):
        shared = np.minimum(frame.bottom, frame.bottom[place]) - np.maximum(frame.top, frame.top[place])
        facing = shared >= _SAME_ROW * np.minimum(frame.height, frame.height[place])
        later = (frame.left > frame.left[place]) | ((frame.left == frame.left[place]) & (np.arange(len(frame)) > place))
        right = np.flatnonzero(facing & later)
        nearest = right[np.argsort(frame.left[right], kind="stable")][:_FACING]
        for other in _unhidden(frame, nearest):
            likeness = shared[other] / max(frame.height[other], frame.height[place])
            found.append((-likeness, max(frame.left[other] - frame.right[place], 0.0), place, other))
    return [(place, other) for _, _, place, other in sorted(found)]


def _unhidden(frame: Frame, places: Order) -> list[int]:
    """Those of `places`, which come from near to far, that no nearer one of their own row stands before."""
    seen: list[int] = []
    for place in places.tolist():
        before = np.array(seen, np.intp)
        shared = np.minimum(frame.bottom[before], frame.bottom[place]) - np.maximum(frame.top[before], frame.top[place])
        apart = frame.right[before] <= frame.left[place]
        if not (apart & (shared >= _SAME_ROW * np.maximum(frame.height[before], frame.height[place]))).any():
            seen.append(place)
    return seen


def _stacked(frame: Frame, first: list[int], second: list[int]) -> bool:
    a, b = np.array(first)[:, None], np.array(second)[None]
    shared = np.minimum(frame.right[a], frame.right[b]) - np.maximum(frame.left[a], frame.left[b])
    return bool((shared > _STACKED * np.minimum(frame.width[a], frame.width[b])).any())


def _height_of(frame: Frame, row: list[int]) -> float:
    """Where a row stands: its boxes' middles, each counted by its width."""
    return float(np.average(frame.middle[row], weights=frame.width[row]))
