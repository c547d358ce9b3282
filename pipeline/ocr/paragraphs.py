"""Which lines that follow one another are a paragraph, and which stand alone in the margin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .reading_frame import Frame

_MARGIN = 0.1
_FAR = 20.0
"""A page number that no region holds stands in the outer tenth of what is on the page, if that is so many times higher
than the number."""

_PARAGRAPH_GAP = 0.8
_PARAGRAPH_SIZE = 1.5
"""Lines of one paragraph are at most so far apart, in heights of the lower one, and at most so different in height."""


def paragraphs(run: Sequence[int], frame: Frame) -> list[list[int]]:
    """Lines that follow one another, parted where the next neither continues the row nor stands right below."""
    groups: list[list[int]] = []
    for line in run:
        if groups and _continues(frame, groups[-1], line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def in_margin(line: int, frame: Frame) -> bool:
    """Where page numbers stand: at the top or bottom of what is on the page."""
    _, _, top, bottom = frame.around()
    outer = min(frame.bottom[line] - top, bottom - frame.top[line])
    return bool(outer <= _MARGIN * (bottom - top) and bottom - top >= _FAR * frame.height[line])


def _continues(frame: Frame, group: Sequence[int], line: int) -> bool:
    last = group[-1]
    low, high = sorted((float(frame.height[last]), float(frame.height[line])))
    down = float(frame.top[line] - frame.bottom[last])
    if down < -low / 2:  # they share a row, or a new column begins
        return bool(frame.left[line] >= frame.left[last] and frame.bottom[line] > frame.top[last])
    left, right, _, _ = frame.of(np.array(group)).around()
    above = min(right, float(frame.right[line])) > max(left, float(frame.left[line]))
    return above and down <= _PARAGRAPH_GAP * low and high <= _PARAGRAPH_SIZE * low
