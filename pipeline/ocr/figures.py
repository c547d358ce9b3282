"""Which regions that a network takes for pictures are text."""

from __future__ import annotations

import numpy as np

from .geometry import Polygons, sizes
from .layout import Region
from .reading_frame import Floats
from .regions import INSIDE, Box, box_around, coverage

_DENSITY = 0.1
_SPREAD = 0.2
_FULL = 0.5
_LINES = 4
_ASPECT = 8.0
"""A figure is text in truth if lines fill half of it. Or they fill not much of it, but more of what they span together,
and are most of the page's lines, or so many in the median so many times wider than high.

The network, trained on papers, takes most receipts for figures: lines fill 0.16 of those and more, 0.30 of what they
span (52 regions of 61 receipts); of a photo of one upon a table, 0.11 and 0.31. Labels of charts, maps and drawings
stand all around: 0.03 to 0.12, and 0.05 to 0.17 (13 that hold a page's lines or most of them, or short ones)."""


def is_text(figure: Region, polygons: Polygons, aspects: Floats) -> bool:
    """`aspects`: (lines,), how many times longer a line of the page is than it is high."""
    held = coverage([figure], polygons)[0] >= INSIDE
    if not held.any():
        return False
    area = float(sizes(polygons[held]).prod(axis=1).sum())
    filled, spread = (area / max(_area(box), 1.0) for box in (figure.box, box_around(polygons[held])))
    running = held.sum() >= _LINES and np.median(aspects[held]) >= _ASPECT
    text = filled >= _DENSITY and spread >= _SPREAD and (running or 2 * held.sum() > len(held))
    return bool(text or filled >= _FULL)


def _area(box: Box) -> float:
    x0, y0, x1, y1 = box
    return (x1 - x0) * (y1 - y0)
