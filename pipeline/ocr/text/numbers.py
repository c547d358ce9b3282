"""A letter that stands alone where only numbers stand: o between 19 and 2 in a column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ..geometry import Polygons
from .reading import Reading

ODDS = 8.0
"""The letter must be so many times likelier than the best digit to stay. It was at most 7.3 times where a digit was
printed, in 14 such lines of 97 receipts, tables and drawn pages; units and grades are read more surely."""

NEAR = 4
"""So many lines above and below are asked."""

NUMBERS = 3
"""So many of them, or more, are numbers, and at most one is something else: a column's head, or what follows it. What
may be a digit itself says nothing. A letter above them all is the column's head: r, of r squared."""

_GAP = 4.0
"""Heights of the line from the middle of one line of a column to that of the next."""

_OVER = 0.5
"""Share of the narrower line's width that two lines of a column have in common."""

_NUMBER = re.compile(r"\W{0,2}[0-9][0-9.,:' ]*\W{0,2}", re.ASCII)
"""With a sign, a currency's sign or a bracket at either end."""


def numbers_for_letters(readings: Sequence[Reading], polygons: Polygons) -> dict[int, str]:
    """Line -> the digit that it is. `polygons` of the lines, as the page stands upright."""
    lone = {place: one for place, one in enumerate(readings) if len(one.text) == 1 and one.text.isalpha()}
    doubts = {place: one.doubts[0] for place, one in lone.items() if one.doubts}
    digits = {place: digit for place, doubt in doubts.items() if (digit := doubt.digit(ODDS)) is not None}
    if not digits:
        return {}
    boxes = np.concatenate([polygons.min(axis=1), polygons.max(axis=1)], axis=1)
    numbers = {place for place, reading in enumerate(readings) if _NUMBER.fullmatch(reading.text)}
    return {place: digit for place, digit in digits.items() if _among_numbers(place, boxes, numbers, digits.keys())}


def _among_numbers(place: int, boxes: NDArray[np.float32], numbers: Set[int], doubted: Set[int]) -> bool:
    above, below = (set(islice(_along(place, boxes, down, doubted), NEAR)) for down in (-1, 1))
    column = above | below
    return bool(above) and len(column & numbers) >= NUMBERS and len(column - numbers) <= 1


def _along(place: int, boxes: NDArray[np.float32], down: int, doubted: Set[int]) -> Iterator[int]:
    """The lines of its column below (1) or above (-1), the nearest first, until there is a gap."""
    x0, y0, x1, y1 = boxes.T
    shared = np.minimum(x1, x1[place]) - np.maximum(x0, x0[place])
    middle = (y0 + y1) / 2
    away = (middle - middle[place]) * down
    height = y1[place] - y0[place]
    beside = np.flatnonzero((shared > _OVER * np.minimum(x1 - x0, x1[place] - x0[place])) & (away > height / 2))
    last = 0.0
    for other in beside[np.argsort(away[beside], kind="stable")].tolist():
        if away[other] - last > _GAP * height:
            return
        last = float(away[other])
        if other not in doubted:
            yield other
