"""A page larger than the detector is shown at once: tiles of it, and their probability maps put together.

Boxes are found on the joined map, so a line that crosses the edge of a tile is one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .preprocess import STRIDE

OVERLAP_PX = 4 * STRIDE
"""Pixels that neighbouring tiles share: half of them keep a tile's edge, where context is missing, out of the map."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Rows `top` to `bottom` and columns `left` to `right` of a page at the detector's resolution, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def part(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)


def tiles_of(size: tuple[int, int], side: int) -> tuple[Tile, ...]:
    """Tiles that cover a page of `size` (height, width), no side larger than `side`; one tile where the page fits.

    `size` and `side` are multiples of `STRIDE`; so are the sides of all tiles, which are all of one size.
    """
    (tops, high), (lefts, wide) = (_spans(length, side) for length in size)
    return tuple(Tile(top, top + high, left, left + wide) for top in tops for left in lefts)


def joined_map(
    tiles: Sequence[Tile], maps: Sequence[NDArray[np.float32]], size: tuple[int, int]
) -> NDArray[np.float32]:
    """The (height, width) map of the page; where tiles overlap, each half belongs to the nearer tile."""
    if len(tiles) == 1:
        return maps[0]
    joined = np.zeros(size, np.float32)
    rows, columns = (_owned([(low, high) for low, high in spans]) for spans in _axes(tiles))
    for tile, plane in zip(tiles, maps, strict=True):
        (top, bottom), (left, right) = rows[tile.top], columns[tile.left]
        joined[top:bottom, left:right] = plane[top - tile.top : bottom - tile.top, left - tile.left : right - tile.left]
    return joined


def _spans(length: int, side: int) -> tuple[list[int], int]:
    """Where the tiles along one axis begin, and how long each is."""
    if length <= side:
        return [0], length
    count = -(-(length - OVERLAP_PX) // (side - OVERLAP_PX))
    each = min(side, -(-(length + (count - 1) * OVERLAP_PX) // (count * STRIDE)) * STRIDE)
    return np.linspace(0, length - each, count).astype(int).tolist(), each


def _axes(tiles: Sequence[Tile]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    rows = sorted({(tile.top, tile.bottom) for tile in tiles})
    return rows, sorted({(tile.left, tile.right) for tile in tiles})


def _owned(spans: Sequence[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Begin of each tile along one axis -> the part of the axis that it fills."""
    middles = [(end + begin) // 2 for (_, end), (begin, _) in pairwise(spans)]
    bounds = pairwise([spans[0][0], *middles, spans[-1][1]])
    return {begin: part for (begin, _), part in zip(spans, bounds, strict=True)}
