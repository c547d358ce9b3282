"""Lines that stand on their head in the crop that was read: which may, and which do.

A box that stands tall is taken for text that runs down the page (`pipeline.ocr.geometry.orient`). Text that runs up the
page has the same box, so such a crop is read both ways. So has a narrow character that stands alone: its crop is turned
back. A level line is read on its head, and a short one on its side, only where it reads badly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .geometry import Image, Polygons
from .text.reading import Reading

_SURE = 0.97
_SHORT_CHARACTERS = 8
"""A line that stands is read both ways if its mean probability is below `_SURE`, or if its text is this short: `60%` on
its head is `%09`, and the recogniser is as sure of one as of the other."""

_DOUBTED = 0.75
_LEAST_CHARACTERS = 6
"""A level line is read on its head if its mean probability is below `_DOUBTED` and it has at least 6 characters. Of
3 049 lines of 61 receipts this holds for 8."""

_LONE = 0.8
"""Least mean probability, read upright, of a character that stands alone in a tall box."""

_PLUMB = 0.2
"""Slope of its sides up to which a box is that of an upright character, and not of a scratch."""

_CLEARLY = 0.1
"""One way of reading is right where its mean probability is this much above that of the other."""

_LEGIBLE = 0.85
"""Least mean probability of the text of a level line that stands on its head."""

_SQUARE = 1.0
_WORD = (2, 0.9)
"""A level box that is no longer than high, and read with a mean probability below `_DOUBTED`, may be a short word that
stands: it is one if it reads so with at least 2 characters and this probability."""

Quarters = Literal[1, 2, 3]


@dataclass(frozen=True, slots=True, eq=False)
class Turned:
    """A line as it reads with its crop turned clockwise by this many quarters."""

    quarters: Quarters
    reading: Reading


@dataclass(frozen=True, slots=True, eq=False)
class ManyWays:
    """A line as it was read, and as it reads with its crop turned."""

    polygon: Polygons
    reading: Reading
    turned: tuple[Turned, ...]


def turns_to_try(polygon: Polygons, reading: Reading) -> tuple[Quarters, ...]:
    """By how many quarters a line's crop must be turned clockwise and read again.

    `polygon`: (4, 2), where the line lies on the upright page.
    """
    characters, doubted = _characters(reading), reading.mean_probability < _DOUBTED
    if stands(polygon):
        lone: tuple[Quarters, ...] = (1,) if characters <= 1 and _is_plumb(polygon) else ()
        return (*lone, 2) if reading.mean_probability < _SURE or characters <= _SHORT_CHARACTERS else lone
    if doubted and _is_square(polygon):
        return 1, 3
    return (2,) if doubted and characters >= _LEAST_CHARACTERS else ()


def turned_crop(crop: Image, quarters: int) -> Image:
    """A crop turned clockwise."""
    return np.ascontiguousarray(np.rot90(crop, -quarters))


def turned_box(polygon: Polygons, quarters: int) -> Polygons:
    """The same box, (4, 2), from the top left of a text that is upright once its crop is turned clockwise."""
    return np.roll(polygon, quarters, axis=0)


def stands(polygon: Polygons) -> bool:
    """Whether a line runs up or down the page rather than across it."""
    across, down = np.abs(polygon[1] - polygon[0])
    return bool(down > across)


def turned_lines(lines: Sequence[ManyWays]) -> list[Turned | None]:
    """Of each line of a page the turn that it is to be read with; None for a line that stays as it was read.

    Where a line that stands reads about as well both ways, it runs as most text does that stands on the page.
    """
    gains = (_gain(line) * len(line.reading.text) for line in lines if stands(line.polygon))
    most_run_up = sum(gains) > 0
    return [_best(line, most_run_up=most_run_up) for line in lines]


def _best(line: ManyWays, *, most_run_up: bool) -> Turned | None:
    possible = [turned for turned in line.turned if _is_right(turned, line, most_run_up=most_run_up)]
    return max(possible, key=lambda turned: turned.reading.mean_probability, default=None)


def _is_right(turned: Turned, line: ManyWays, *, most_run_up: bool) -> bool:
    characters, probability = _characters(turned.reading), turned.reading.mean_probability
    gain = probability - line.reading.mean_probability
    if turned.quarters == 2 and stands(line.polygon):
        return characters > 1 and (gain > _CLEARLY or (gain >= -_CLEARLY and most_run_up))
    if turned.quarters == 2:
        return gain > _CLEARLY and probability >= _LEGIBLE and characters >= _LEAST_CHARACTERS
    if stands(line.polygon):
        return characters == 1 and probability >= _LONE
    return gain > _CLEARLY and characters >= _WORD[0] and probability >= _WORD[1]


def _gain(line: ManyWays) -> float:
    """How much surer a line reads on its head; 0 where it was not read so."""
    heads = [turned.reading.mean_probability for turned in line.turned if turned.quarters == 2]
    return heads[0] - line.reading.mean_probability if heads else 0.0


def _is_plumb(polygon: Polygons) -> bool:
    across, down = np.abs(polygon[1] - polygon[0])
    return bool(across <= _PLUMB * down)


def _is_square(polygon: Polygons) -> bool:
    along, across = np.linalg.norm(polygon[1] - polygon[0]), np.linalg.norm(polygon[3] - polygon[0])
    return bool(along <= _SQUARE * across)


def _characters(reading: Reading) -> int:
    return len("".join(reading.text.split()))
