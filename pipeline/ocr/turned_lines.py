"""Lines that stand on their head in the crop that was read: which may, and which do.

A box that stands tall is taken for text that runs down the page (`pipeline.ocr.geometry.orient`). Text that runs up the
page has the same box, so such a crop is read both ways. A level line is read on its head only where it reads badly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import Polygons
from .text.reading import Reading

_SURE = 0.97
_SHORT_CHARACTERS = 8
"""A line that stands is read both ways if its confidence is below `_SURE`, or if its text is this short: `60%` on its
head is `%09`, and the recogniser is as sure of one as of the other."""

_DOUBTED = 0.8
_LEAST_CHARACTERS = 6
"""A level line is read on its head if its confidence is below `_DOUBTED` and it has at least 6 characters. Of 3 049
lines of 61 receipts this holds for 0.5 %."""

_CLEARLY = 0.1
"""One way of reading is right where its confidence is this much above that of the other."""

_LEGIBLE = 0.85
"""Least confidence of the text of a level line that stands on its head."""


@dataclass(frozen=True, slots=True, eq=False)
class BothWays:
    """A line as it was read, and as it reads on its head; None where that was not read."""

    polygon: Polygons
    reading: Reading
    turned: Reading | None


def may_be_turned(polygon: Polygons, reading: Reading) -> bool:
    """Whether a line must also be read on its head. `polygon`: (4, 2), where it lies on the upright page."""
    characters = len("".join(reading.text.split()))
    if stands(polygon):
        return reading.confidence < _SURE or characters <= _SHORT_CHARACTERS
    return reading.confidence < _DOUBTED and characters >= _LEAST_CHARACTERS


def stands(polygon: Polygons) -> bool:
    """Whether a line runs up or down the page rather than across it."""
    across, down = np.abs(polygon[1] - polygon[0])
    return bool(down > across)


def turned_lines(lines: Sequence[BothWays]) -> NDArray[np.bool_]:
    """(lines,): which lines of a page are to be read on their head, that is, as `turned`.

    Where a line that stands reads about as well both ways, it runs as most text does that stands on the page.
    """
    gains = np.array([_gain(line) for line in lines], np.float64)
    upright = np.array([not stands(line.polygon) for line in lines], np.bool_)
    weights = np.array([len(line.reading.text) for line in lines], np.float64)
    most_run_up = float((gains * weights)[~upright].sum()) > 0
    known = np.array([line.turned is not None for line in lines], np.bool_)
    legible = np.array([_is_legible(line.turned) for line in lines], np.bool_)
    standing = (gains > _CLEARLY) | ((gains >= -_CLEARLY) & most_run_up)
    return np.asarray(known & np.where(upright, legible & (gains > _CLEARLY), standing))


def on_its_head(polygon: Polygons) -> Polygons:
    """The same box, (4, 2), from the top left of a text that stands on its head in it."""
    return np.roll(polygon, 2, axis=0)


def _gain(line: BothWays) -> float:
    return line.turned.confidence - line.reading.confidence if line.turned is not None else 0.0


def _is_legible(turned: Reading | None) -> bool:
    if turned is None:
        return False
    return turned.confidence >= _LEGIBLE and len("".join(turned.text.split())) >= _LEAST_CHARACTERS
