"""Regions of a page and the lines that stand in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .geometry import Polygons
from .layout import Region
from .reading_frame import Floats, Order

INSIDE = 0.5
"""A line belongs to a region that covers at least this share of it."""

SAME = 0.7
"""Two regions are one if they share so much of the smaller one's area."""

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1, in pixels."""

_FAR_AWAY = 2.0**31
_THIN = 0.01
"""Pixels: no page reaches further, and no region that has sides is thinner."""


def is_sound(region: Region) -> bool:
    x0, y0, x1, y1 = region.box
    numbers = np.isfinite(region.score) and all(abs(side) <= _FAR_AWAY for side in region.box)  # not-a-number is not
    return bool(numbers) and x1 - x0 >= _THIN and y1 - y0 >= _THIN


def surest(regions: Iterable[Region]) -> list[Region]:
    return sorted(regions, key=lambda region: (-region.score, region.box, region.kind))


def distinct(regions: Iterable[Region]) -> list[Region]:
    """Without those that lie mostly in, or around, one that comes before them."""
    kept: list[Region] = []
    for region in regions:
        if all(_common(region, other) < SAME for other in kept):
            kept.append(region)
    return kept


def box_around(polygons: Polygons) -> Box:
    """Of one polygon at least."""
    (x0, y0), (x1, y1) = polygons.min(axis=(0, 1)).tolist(), polygons.max(axis=(0, 1)).tolist()
    return x0, y0, x1, y1


def coverage(regions: Sequence[Region], polygons: Polygons) -> Floats:
    """(regions, lines): the share of each line's bounding box that a region covers."""
    boxes = np.array([region.box for region in regions], np.float64).reshape(-1, 1, 4)
    low, high = polygons.min(axis=1).astype(np.float64)[None], polygons.max(axis=1).astype(np.float64)[None]
    shared = np.minimum(high, boxes[..., 2:]) - np.maximum(low, boxes[..., :2])
    sides = np.maximum(high - low, 1e-6)
    return np.asarray((np.clip(shared, 0, None) / sides).clip(0, 1).prod(axis=2), np.float64)


def lines_in(region: Region, polygons: Polygons) -> Order:
    """Indices of the lines that stand in a region, ascending."""
    return np.flatnonzero(coverage([region], polygons)[0] >= INSIDE)


def overlap(one: Region, other: Region) -> float:
    """Area in common, as a share of what either covers."""
    a, b = np.array(one.box), np.array(other.box)
    shared = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(shared / max((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared, 1e-6))


def _common(one: Region, other: Region) -> float:
    """Area in common, as a share of the smaller one."""
    a, b = np.array(one.box), np.array(other.box)
    shared = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(shared / max(min((a[2:] - a[:2]).prod(), (b[2:] - b[:2]).prod()), 1e-6))
