"""Coloured stamps over print: a page as two pages, its print without the stamps and its stamps without the print.

A stamp lets dark print through, and its colour is bright in at least one channel. So print is what is dark in every
channel, and a stamp is what is coloured. Stamps are looked for by colour only: black ones stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Image

_COLOURED_LEVELS = 40
_GREY_LEVELS = 30
"""A pixel is coloured where its largest and smallest channels differ by this many levels, and grey up to that many."""

_SAMPLE_PX, _LEAST_SHARE = 8, 0.0005
"""Every eighth pixel of every eighth row is looked at first: a page with fewer coloured ones has no stamp."""

_PAPER_PERCENTILE, _DARK_SHARE = 85, 0.6
"""A pixel is dark where its largest channel has at most this share of the paper's level."""

_HEIGHT_PX = 16
"""Stamps are looked for in a page reduced until its characters are about this high."""

_JOIN_HEIGHTS = 0.5
"""Coloured ink this close together, in heights of a character, is one shape."""

_OVER_PRINT = 0.1
"""A stamp lies over print: at least this many squared heights of dark pixels touch it."""

_GROUND_HEIGHTS, _GROUND_SHARE = 1.6, 0.75
"""A stamp is drawn in strokes. A coloured shape is a ground or a picture if, somewhere, 0.75 of the square around a
pixel is coloured or dark; the square's side is 1.6 heights of a character."""

_LEAST_LENGTH_HEIGHTS, _LEAST_BREADTH_HEIGHTS = 3.0, 1.2
"""Sides of a stamp's box at least, in heights of a character: an underline is lower."""

_ONE_HUE = 0.85
"""Length of the sum of a stamp's colours over the sum of their lengths, at least. Letters that a screen draws with
coloured edges are red on one side and blue on the other."""

_RULING_WIDTHS = 0.35
"""A level line this long, in widths of the page, is a ruling and belongs to no stamp."""

_AROUND_HEIGHTS = 0.3
"""Room around coloured pixels in which a stamp's pale edges are taken away too, in heights of a character."""

_PALE_PERCENTILE, _FULL_PERCENTILE = 25, 60
"""Of a stamp's pixels: the level that becomes white in the print, and the colour that becomes black in the stamp."""

_GAP_HEIGHTS = 0.35
"""Thickness of the strokes of print that are closed where they cross a stamp, in heights of a character."""

Plane = NDArray[np.uint8]
"""(h, w), a level each."""

Mask = NDArray[np.uint8]
"""(h, w), 1 where something holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """A page taken apart, both parts (h, w, 3) and as large as the page: its `print` without stamps, and its `stamps`
    alone, dark on white."""

    print: Image
    stamps: Image


def layers_of(page: Image, height_px: float) -> Layers | None:
    """The layers of a page whose characters are `height_px` high; None for a page without stamps over print."""
    if not height_px or not _has_colour(page):
        return None
    step = max(1, round(height_px / _HEIGHT_PX))
    small = _stamps(np.ascontiguousarray(page[::step, ::step]), height_px / step)
    if small is None:
        return None
    region = cv2.resize(small, (page.shape[1], page.shape[0]), interpolation=cv2.INTER_NEAREST)
    return _taken_apart(page, np.asarray(region, np.uint8), height_px)


def _has_colour(page: Image) -> bool:
    """Whether there is coloured ink on grey paper."""
    level, colour = _level_and_colour(np.ascontiguousarray(page[::_SAMPLE_PX, ::_SAMPLE_PX]))
    paper = level > _DARK_SHARE * np.percentile(level, _PAPER_PERCENTILE)
    is_grey = float(np.median(colour[paper])) <= _GREY_LEVELS if paper.any() else False
    return is_grey and float((colour >= _COLOURED_LEVELS).mean()) >= _LEAST_SHARE


def _level_and_colour(page: Image) -> tuple[Plane, Plane]:
    """The largest channel of each pixel, and by how much it exceeds the smallest."""
    blue, green, red = cv2.split(page)
    level = cv2.max(cv2.max(blue, green), red)
    return np.asarray(level, np.uint8), np.asarray(level - cv2.min(cv2.min(blue, green), red), np.uint8)


def _stamps(page: Image, height: float) -> Mask | None:
    """Where the stamps over print lie on a page: their hulls, with room around them; None where there is none."""
    level, colour = _level_and_colour(page)
    coloured = np.asarray(colour >= _COLOURED_LEVELS, np.uint8)
    coloured = np.asarray(cv2.morphologyEx(coloured, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), np.uint8)
    paper = float(np.percentile(level, _PAPER_PERCENTILE))
    dark = np.asarray((level <= _DARK_SHARE * paper) & (colour <= _GREY_LEVELS), np.uint8)
    coloured = _strokes(coloured, dark, height)
    region = np.zeros_like(coloured)
    for window, shape in _shapes(coloured, height):
        if _is_over_print(shape, dark[window], height) and _is_of_one_hue(page[window][shape > 0]):
            hull = cv2.convexHull(cv2.findNonZero(shape)) + np.array([window[1].start, window[0].start], np.int32)
            cv2.fillConvexPoly(region, hull, 1)
    return np.asarray(cv2.dilate(region, _square(2 * _AROUND_HEIGHTS * height)), np.uint8) if region.any() else None


def _shapes(coloured: Mask, height: float) -> Iterator[tuple[tuple[slice, slice], Mask]]:
    """Coloured ink that stands together: its rows and columns on the page, and the mask there."""
    joined = cv2.dilate(coloured, _square(_JOIN_HEIGHTS * height))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    long, broad = stats[:, 2:4].max(axis=1), stats[:, 2:4].min(axis=1)
    large = (long >= _LEAST_LENGTH_HEIGHTS * height) & (broad >= _LEAST_BREADTH_HEIGHTS * height)
    for number in np.flatnonzero(large[1:]) + 1:
        x, y, width, rows = stats[number, :4].tolist()
        window = slice(y, y + rows), slice(x, x + width)
        shape = np.asarray((labels[window] == number) & (coloured[window] > 0), np.uint8)
        if shape.any():
            yield window, shape


def _strokes(coloured: Mask, dark: Mask, height: float) -> Mask:
    """Coloured ink without what is no stroke: grounds, pictures and rulings."""
    solid = cv2.bitwise_or(coloured, cv2.dilate(dark, _square(3))).astype(np.float32)
    side = max(1, round(_GROUND_HEIGHTS * height))
    core = (coloured > 0) & (cv2.boxFilter(solid, -1, (side, side)) >= _GROUND_SHARE)
    _, shapes = cv2.connectedComponents(coloured, connectivity=8)
    ground = np.isin(shapes, np.unique(shapes[core]))
    ruling = np.ones((1, max(2, round(_RULING_WIDTHS * coloured.shape[1]))), np.uint8)
    ruled = cv2.dilate(cv2.morphologyEx(coloured, cv2.MORPH_OPEN, ruling), _square(3)) > 0
    return np.asarray(coloured * ~(ground | ruled), np.uint8)


def _is_over_print(shape: Mask, dark: Mask, height: float) -> bool:
    touched = cv2.countNonZero(cv2.bitwise_and(cv2.dilate(shape, _square(3)), np.ascontiguousarray(dark)))
    return touched >= _OVER_PRINT * height**2


def _is_of_one_hue(pixels: NDArray[np.uint8]) -> bool:
    """`pixels`: (n, 3), BGR."""
    blue, green, red = pixels.astype(np.float64).T
    hues = np.stack([red - green, (red + green) / 2 - blue], axis=1)
    lengths = np.linalg.norm(hues, axis=1).sum()
    return bool(np.linalg.norm(hues.sum(axis=0)) >= _ONE_HUE * max(lengths, 1.0))


def _taken_apart(page: Image, region: Mask, height_px: float) -> Layers:
    level, colour = _level_and_colour(page)
    stamp = (region > 0) & (colour >= _COLOURED_LEVELS)
    near = (cv2.dilate(np.asarray(stamp, np.uint8), _square(2 * _AROUND_HEIGHTS * height_px)) > 0) & (region > 0)
    pale = max(1.0, float(np.percentile(level[stamp], _PALE_PERCENTILE)))
    full = max(1.0, float(np.percentile(colour[stamp], _FULL_PERCENTILE)))
    own = page.copy()
    spread = cv2.dilate(colour, _square(3))  # JPEG keeps colours at half of the resolution
    share = np.minimum(spread[near] / np.float32(full), 1)  # how much of the stamp's colour a pixel has
    brighter = level[near] * (1 + share * np.float32(255 / pale - 1))
    own[near] = np.clip(brighter, 0, 255).astype(np.uint8)[:, None]
    closed = cv2.morphologyEx(colour, cv2.MORPH_CLOSE, _square(_GAP_HEIGHTS * height_px))
    colour = np.where((level < _DARK_SHARE * pale) & near, closed, colour)
    darkness = np.where(near, np.clip(colour.astype(np.float32) * (255 / full), 0, 255), 0)
    alone = np.asarray(255 - darkness, np.uint8)
    return Layers(own, np.repeat(alone[:, :, None], 3, axis=2))


def _square(side: float) -> Mask:
    return np.ones((max(1, round(side)),) * 2, np.uint8)
