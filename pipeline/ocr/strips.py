"""Pages that are too high to be shown to the detector whole: strips of them, each as high as it is wide.

A till roll, or a table of 200 rows on one page, reduced until it fits leaves letters of a few pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .geometry import Polygons, no_polygons, sizes

SMALL = 9.0
"""Pixels of a line that the detector sees, from which on it finds lines reliably. Of 61 receipts, 31 pages of all kinds
and 18 of reports, none is reduced to less in the median (9.5 is the least, 13 among receipts)."""

_HIGH = 3.0
"""A page without any line is looked at again if it is so many times higher than wide: others are blank."""

_GAIN = 1.25
"""Strips must show lines so many times larger to be worth it."""

_SHARED = 0.2
"""Of a strip's height, with the strip before: several lines, so that each line is whole in one of them."""

_MOST = 24
"""Strips of one page. Of a page that is higher still each is higher than wide."""

_SAME = 0.5
"""Share of the smaller box that two findings of one line have in common."""

Strip = tuple[int, int]
"""Its first row of pixels, and the one after its last."""


def strips_for(polygons: Polygons, *, height: int, width: int, shown: float, shown_square: float) -> list[Strip]:
    """Where to cut a page whose lines were found in `polygons`; nothing where it need not be.

    `shown`: how much of its size the detector saw of the page; `shown_square`: how much it would see of a strip.
    """
    if shown_square < _GAIN * shown or height <= width:
        return []
    small = float(np.median(sizes(polygons).min(axis=1))) * shown < SMALL if len(polygons) else height >= _HIGH * width
    return _cut(height, width) if small else []


def _cut(height: int, width: int) -> list[Strip]:
    count = min(_MOST, max(2, int(np.ceil((height / width - _SHARED) / (1 - _SHARED)))))
    high = int(np.ceil(height / (count - (count - 1) * _SHARED)))
    tops = np.linspace(0, height - high, count).astype(int).tolist()
    return [(top, top + high) for top in tops]


def joined(strips: Sequence[Strip], found: Sequence[Polygons]) -> tuple[Polygons, NDArray[np.intp]]:
    """The lines of all strips in the page's frame, each once, and their places among all that were found.

    A line in two strips counts in the one it is farther inside of.
    """
    placed = [polygons + np.array([0, top], np.float32) for (top, _), polygons in zip(strips, found, strict=True)]
    lines = np.concatenate([no_polygons(), *placed])
    owner = np.repeat(np.arange(len(strips)), [len(polygons) for polygons in found])
    tops, ends = np.array(strips, np.float64).reshape(-1, 2)[owner].T
    inside = np.minimum(lines[:, :, 1].min(axis=1) - tops, ends - lines[:, :, 1].max(axis=1))
    kept: list[int] = []
    for line in np.argsort(-inside, kind="stable").tolist():
        if not _again(lines[line], lines[kept]):
            kept.append(line)
    chosen = np.array(sorted(kept), np.intp)
    return lines[chosen], chosen


def _again(line: NDArray[np.float32], others: Polygons) -> bool:
    low, high = others.min(axis=1), others.max(axis=1)
    shared = np.clip(np.minimum(high, line.max(axis=0)) - np.maximum(low, line.min(axis=0)), 0, None).prod(axis=1)
    areas = np.minimum((high - low).prod(axis=1), np.ptp(line, axis=0).prod())
    return bool((shared > _SAME * np.maximum(areas, 1e-6)).any())
