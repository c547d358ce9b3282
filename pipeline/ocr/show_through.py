"""Print of the other side of a sheet that shows through: faint, and a mirror image.

A faint line that reads badly is read in the mirror too. Where it reads well there, it belongs to the other side. A line
of this side may run into one of the other: then its own print is read alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Image, Polygons, orient
from .geometry import crop as cut_out
from .text.reading import Reading

_SURE, _SURE_BESIDE = 0.85, 0.95
"""Mean probability from which a line is not looked at: where all of it is faint, and where faint print may stand beside
its own. Of 3 049 lines of 61 receipts 97 % have more than the first."""

_PAPER_PERCENTILE, _INK_PERCENTILE = 85, 0.5
"""Grey levels of a crop's paper and of its darkest ink, as percentiles of its pixels."""

_FAINT_CONTRAST = 0.4
"""Print is faint if it is darker than its paper by at most this share of the paper's level."""

_DARK_LEVEL = 128
"""Grey level below which a pixel is print once the faint print is taken away."""

_FAINT_SHARE = 0.5
"""In a line of this side, print is of the other if it has at most this share of the line's contrast."""

_INK_CONTRAST = 0.05
"""A column of a crop holds ink if a pixel of it is darker than the paper by this share of the paper's level."""

_MARGIN_HEIGHTS = 0.1
"""Room between a line's own print and its faint part, in heights of the crop."""

_LEAST_FAINT_HEIGHTS = 1.0
"""Width of a faint part of a line, in heights of the crop, from which on it is looked at."""

_MIRRORED, _MIRRORED_GAIN, _LEAST_LETTERS = 0.8, 0.1, 6
"""A line is a mirror image if it reads in the mirror with this mean probability, by `_MIRRORED_GAIN` better than as it
is, and has at least 6 letters or digits there. A row of asterisks is its own mirror image."""

_LEGIBLE = 0.7
"""Confidence below which a faint line can't be read."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnPrint:
    """The print of this side in a line that runs into faint print, cut out anew with the faint print taken away.
    `corners`: (4, 2), where it lies in the crop, as shares of the crop's width and height."""

    image: Image
    corners: Polygons


@dataclass(frozen=True, slots=True, eq=False)
class Faint:
    """Faint print of a line. `mirrored`: its mirror images, of a sheet that is turned over sideways and one that is
    turned over upwards. `own`: None where all is faint."""

    mirrored: tuple[Image, Image]
    own: OwnPrint | None


@dataclass(frozen=True, slots=True, eq=False)
class FaintRead:
    """A line that holds faint print: as it was read, its faint part in the better mirror, and its own print alone with
    its corners as in `OwnPrint`."""

    reading: Reading
    mirrored: Reading
    own: tuple[Reading, Polygons] | None

    @property
    def is_mirrored(self) -> bool:
        """Whether the faint part is a mirror image beyond doubt."""
        letters = sum(map(str.isalnum, self.mirrored.text))
        probability = self.mirrored.mean_probability
        gain = probability - self.reading.mean_probability
        return letters >= _LEAST_LETTERS and probability >= _MIRRORED and gain >= _MIRRORED_GAIN

    @property
    def is_no_better_here(self) -> bool:
        """Whether it reads no better as it is than in the mirror, or not at all."""
        return self.reading.mean_probability < max(_LEGIBLE, self.mirrored.mean_probability)


def faint_part(crop: Image, reading: Reading) -> Faint | None:
    """What of a line may show through from the other side; None where it reads well or has no such print."""
    if reading.mean_probability >= _SURE_BESIDE:
        return None
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    ink, paper = np.percentile(grey, (_INK_PERCENTILE, _PAPER_PERCENTILE))
    contrast = paper - ink
    if contrast <= _FAINT_CONTRAST * paper:
        return Faint(_mirrored(crop), None) if reading.mean_probability < _SURE else None
    own_level = paper - _FAINT_SHARE * contrast
    parts = _parts(grey.min(axis=0), own=own_level, inked=(1 - _INK_CONTRAST) * paper, height=crop.shape[0])
    if parts is None:
        return None
    own, faint = parts
    levels = np.clip((grey - ink) / max(own_level - ink, 1), 0, 1) * 255
    levels[:, : own.start] = levels[:, own.stop :] = 255
    return Faint(_mirrored(crop[:, faint]), _own_print(levels.astype(np.uint8)))


def shows_through(lines: Sequence[FaintRead | None]) -> list[bool]:
    """Of each line, whether its faint part shows through from the other side.

    On a page where this is beyond doubt of one line, it holds for every line that reads no better than in the mirror,
    and for those that can't be read.
    """
    if not any(line is not None and line.is_mirrored for line in lines):
        return [False] * len(lines)
    return [line is not None and (line.is_mirrored or line.is_no_better_here) for line in lines]


def part_of_box(polygon: Polygons, corners: Polygons) -> Polygons:
    """The part of a line's box, (4, 2), whose `corners` are given as shares of its width and height."""
    x, y = corners[:, :1], corners[:, 1:]
    top_left, top_right, bottom_right, bottom_left = polygon
    top, bottom = top_left + x * (top_right - top_left), bottom_left + x * (bottom_right - bottom_left)
    return np.asarray(top + y * (bottom - top), np.float32)


def _own_print(levels: NDArray[np.uint8]) -> OwnPrint:
    """The print of a crop, (h, w) grey on white, cut out along its own slant."""
    centre, (a, b), angle = cv2.minAreaRect(cv2.findNonZero(np.asarray(levels < _DARK_LEVEL, np.uint8)))
    room = 2 * _MARGIN_HEIGHTS * min(a, b)
    box = orient(np.asarray(cv2.boxPoints((centre, (a + 2 * room, b + 2 * room), angle)), np.float32)[None])[0]
    image = np.asarray(cv2.cvtColor(levels, cv2.COLOR_GRAY2BGR), np.uint8)
    corners = np.clip(box / np.array(levels.shape[::-1], np.float32), 0, 1)
    return OwnPrint(cut_out(image, box), corners.astype(np.float32))


def _mirrored(crop: Image) -> tuple[Image, Image]:
    return np.ascontiguousarray(crop[:, ::-1]), np.ascontiguousarray(crop[::-1])


def _parts(darkest: NDArray[np.uint8], *, own: float, inked: float, height: int) -> tuple[slice, slice] | None:
    """The columns of a line's own print, and of the faint print beside it; None where there is no such print.

    `darkest`: (columns,), a grey level each; `own` and `inked`: the levels below which a column holds own print, and
    any print.
    """
    own_columns, ink_columns = np.flatnonzero(darkest < own), np.flatnonzero(darkest < inked)
    if not len(own_columns):
        return None
    room = round(_MARGIN_HEIGHTS * height)
    first, last = int(own_columns[0]), int(own_columns[-1]) + 1
    before, after = slice(int(ink_columns[0]), first - room), slice(last + room, int(ink_columns[-1]) + 1)
    faint = max(before, after, key=lambda part: part.stop - part.start)
    if faint.stop - faint.start < _LEAST_FAINT_HEIGHTS * height:
        return None
    return slice(max(0, first - 2 * room), min(len(darkest), last + 2 * room)), faint
