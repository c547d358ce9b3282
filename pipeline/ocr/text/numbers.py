"""A letter that stands alone where only numbers stand: o between 19 and 2 in a column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..geometry import Polygons
from .reading import Reading

ODDS = 20.0
"""The letter must be so many times likelier than the best digit to stay."""

NEAR = 4
"""So many lines above and below are asked."""

NUMBERS = 3
"""So many of them, or more, are numbers, and at most one is something else: a column's head, or what follows it."""

_GAP = 3.0
"""Heights of the line between two lines of a column."""

_OVER = 0.5
"""Share of the narrower line's width that two lines of a column have in common."""


def numbers_for_letters(readings: Sequence[Reading], polygons: Polygons) -> dict[int, str]:
    """Line -> the digit that it is. `polygons` of the lines, as the page stands upright."""
    digits = {
        place: digit
        for place, reading in enumerate(readings)
        if len(reading.text) == 1 and reading.doubts and (digit := reading.doubts[0].digit(ODDS)) is not None
    }
    if not digits:
        return {}
    boxes = np.concatenate([polygons.min(axis=1), polygons.max(axis=1)], axis=1)
    numbers = np.array([_is_number(reading.text) for reading in readings])
    return {place: digit for place, digit in digits.items() if _among_numbers(place, boxes, numbers)}


def _among_numbers(place: int, boxes: NDArray[np.float32], numbers: NDArray[np.bool_]) -> bool:
    column = [*_next(place, boxes, down=False), *_next(place, boxes, down=True)]
    count = int(numbers[column].sum())
    return count >= NUMBERS and len(column) - count <= 1


def _next(place: int, boxes: NDArray[np.float32], *, down: bool) -> list[int]:
    """The nearest lines of its column on one side, until there is a gap."""
    x0, y0, x1, y1 = boxes.T
    shared = np.minimum(x1, x1[place]) - np.maximum(x0, x0[place])
    middle = (y0 + y1) / 2
    away = (middle - middle[place]) * (1 if down else -1)
    height = y1[place] - y0[place]
    beside = np.flatnonzero((shared > _OVER * np.minimum(x1 - x0, x1[place] - x0[place])) & (away > height / 2))
    found: list[int] = []
    last = 0.0
    for other in beside[np.argsort(away[beside], kind="stable")][:NEAR].tolist():
        if away[other] - last > (_GAP + 1) * height:
            break
        found.append(other)
        last = float(away[other])
    return found


def _is_number(text: str) -> bool:
    return any(sign.isdigit() for sign in text) and not any(sign.isalpha() for sign in text)
