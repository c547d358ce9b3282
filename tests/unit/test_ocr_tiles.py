"""Laws of tiles: together they show a page once, and their maps are the page's."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.preprocess import STRIDE
from pipeline.ocr.tiles import OVERLAP_PX, joined_map, tiles_of

SIDES = st.integers(1, 150).map(lambda strides: strides * STRIDE)
LARGEST = st.integers(10, 40).map(lambda strides: strides * STRIDE)


@given(SIDES, SIDES, LARGEST)
def test_tiles_cover_the_page_and_fit_the_detector(height: int, width: int, side: int) -> None:
    """Each pixel lies in a tile, no tile reaches beyond the page or is larger than `side`, and all have one size."""
    tiles = tiles_of((height, width), side)
    seen = np.zeros((height // STRIDE, width // STRIDE), bool)
    for tile in tiles:
        assert 0 <= tile.top < tile.bottom <= height
        assert 0 <= tile.left < tile.right <= width
        assert max(tile.bottom - tile.top, tile.right - tile.left) <= side
        seen[tile.top // STRIDE : -(-tile.bottom // STRIDE), tile.left // STRIDE : -(-tile.right // STRIDE)] = True
    assert seen.all()
    sizes = {(tile.bottom - tile.top, tile.right - tile.left) for tile in tiles}
    assert len(sizes) == 1
    assert all(length % STRIDE == 0 for length in sizes.pop())


@given(SIDES, SIDES, LARGEST)
def test_neighbouring_tiles_overlap(height: int, width: int, side: int) -> None:
    """Along each axis a tile begins at least `OVERLAP_PX` before the one before it ends."""
    tiles = tiles_of((height, width), side)
    for spans in ({(t.top, t.bottom) for t in tiles}, {(t.left, t.right) for t in tiles}):
        ordered = sorted(spans)
        assert all(end - begin >= OVERLAP_PX for (_, end), (begin, _) in pairwise(ordered))


@given(st.integers(1, 40), st.integers(1, 40), LARGEST)
def test_joined_maps_are_the_map_of_the_page(high: int, wide: int, side: int) -> None:
    """Where each tile answers with its part of one map, the joined map is that map."""
    size = high * STRIDE, wide * STRIDE
    whole = np.random.default_rng(high * 41 + wide).random(size, np.float32)
    tiles = tiles_of(size, side)
    assert np.array_equal(joined_map(tiles, [whole[tile.part] for tile in tiles], size), whole)


def test_a_page_that_fits_is_one_tile() -> None:
    """What is no larger than the detector's side is shown whole."""
    assert len(tiles_of((960, 704), 960)) == 1
    assert len(tiles_of((992, 704), 960)) == 2
