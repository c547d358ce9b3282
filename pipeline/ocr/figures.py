"""Which regions that a network takes for pictures are text."""

from __future__ import annotations

import numpy as np

from .geometry import Polygons, sizes
from .layout import Region
from .reading_frame import Floats
from .regions import Box, box_around, lines_in

_FULL = 0.5
"""A figure is text in truth if lines fill so much of it."""

_SPREAD = 0.2
"""Or so much of what they span together, and they are most of the page's lines, or running text.

The network, trained on papers, takes most receipts for figures: 0.30 and more (52 regions of 61 receipts); of photos of
one upon a table, 0.25 to 0.34 (7, drawn). Labels of charts, maps and drawings stand all around: 0.05 to 0.17 (13)."""

_LINES = 8
"""Fewer are words in a picture."""

_RUNNING_LINES, _RUNNING_ASPECT = 4, 8.0
"""Running text has so many lines, in the median so many times wider than high; labels have not."""


def is_text(figure: Region, polygons: Polygons, aspects: Floats) -> bool:
    """`aspects`: (lines,), how many times longer a line of the page is than it is high."""
    held = lines_in(figure, polygons)
    count = len(held)
    if not count:
        return False
    area = float(sizes(polygons[held]).prod(axis=1).sum())
    filled, spread = (area / max(_area(box), 1.0) for box in (figure.box, box_around(polygons[held])))
    running = count >= _RUNNING_LINES and np.median(aspects[held]) >= _RUNNING_ASPECT
    most = count >= _LINES and 2 * count > len(polygons)
    return bool(filled >= _FULL or (spread >= _SPREAD and (running or most)))


def _area(box: Box) -> float:
    x0, y0, x1, y1 = box
    return (x1 - x0) * (y1 - y0)
