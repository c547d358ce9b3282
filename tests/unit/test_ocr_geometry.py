"""Boxes start at the text's own top left, and crops hold the text level."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.ocr.geometry import Image, clip, crop, no_polygons, orient, sizes

UPRIGHT = np.array([[10, 20], [110, 20], [110, 50], [10, 50]], np.float32)


def rectangle(angle: float, *, width: float = 120, height: float = 30) -> NDArray[np.float32]:
    return cv2.boxPoints(((200.0, 150.0), (width, height), angle))


def noise(height: int, width: int) -> Image:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)


@given(start=st.integers(0, 3), step=st.sampled_from([1, -1]), angle=st.floats(-44, 44))
def test_corners_in_any_order_are_oriented_alike(start: int, step: int, angle: float) -> None:
    """Whichever corner comes first and whichever way round, the answer is the same box."""
    corners = rectangle(angle)
    turned = corners[[(start + step * n) % 4 for n in range(4)]]
    assert np.allclose(orient(turned[None]), orient(corners[None]))


@given(angle=st.floats(-44, 44))
def test_a_wide_box_reads_to_the_right(angle: float) -> None:
    """The first edge is the long one, points right, and the next turns clockwise."""
    (box,) = orient(rectangle(angle)[None])
    along, across = box[1] - box[0], box[2] - box[1]
    assert np.hypot(*along) == pytest.approx(120, abs=0.01)
    assert along[0] > 0
    assert along[0] * across[1] - along[1] * across[0] > 0


@given(angle=st.floats(-40, 40))
def test_a_tall_box_reads_down(angle: float) -> None:
    """Standing boxes start at the page's top right and read downwards, as PaddleOCR turns their crops."""
    (box,) = orient(rectangle(angle, width=30, height=120)[None])
    along = box[1] - box[0]
    assert np.hypot(*along) == pytest.approx(120, abs=0.01)
    assert along[1] > 0


def test_no_boxes_stay_no_boxes() -> None:
    """Nothing oriented or clipped is nothing, in the same shape."""
    assert orient(no_polygons()).shape == (0, 4, 2)
    assert clip(no_polygons(), height=5, width=5).shape == (0, 4, 2)


def test_sizes_are_along_and_across() -> None:
    """The first figure is the length of the text, the second its height."""
    assert sizes(UPRIGHT[None]).tolist() == [[100, 30]]
    assert sizes(orient(rectangle(0, width=30, height=120)[None])).tolist() == [[120, 30]]


def test_clipping_moves_corners_onto_the_page() -> None:
    """Corners outside move to the edge, corners inside stay."""
    box = np.array([[[-5, 10], [300, 10], [300, 90], [-5, 90]]], np.float32)
    assert clip(box, height=80, width=200).tolist() == [[[0, 10], [200, 10], [200, 80], [0, 80]]]


def test_an_upright_crop_is_the_slice() -> None:
    """A box along the pixels cuts out just these pixels."""
    page = noise(80, 200)
    assert np.array_equal(crop(page, UPRIGHT), page[20:50, 10:110])


def test_a_standing_crop_is_turned_upright() -> None:
    """Text that runs down the page is turned by 90 degrees counterclockwise to read."""
    page = noise(200, 80)
    (box,) = orient(np.array([[[20, 10], [50, 10], [50, 110], [20, 110]]], np.float32))
    assert np.array_equal(crop(page, box), np.rot90(page[10:110, 20:50]))


def test_a_tilted_crop_is_level() -> None:
    """A bar drawn at an angle fills its crop evenly."""
    page = np.zeros((300, 400, 3), np.uint8)
    corners = rectangle(20)
    cv2.fillPoly(page, [corners.astype(np.int32)], (255, 255, 255))
    piece = crop(page, orient(corners[None])[0])
    assert piece.shape == (30, 120, 3)
    assert piece[3:-3, 3:-3].min() == 255


@given(
    points=st.lists(st.tuples(st.floats(0, 60, width=32), st.floats(0, 40, width=32)), min_size=4, max_size=4),
)
def test_any_four_corners_give_a_crop(points: list[tuple[float, float]]) -> None:
    """However degenerate a box on the page is, its crop is an image of at least one pixel."""
    piece = crop(noise(40, 60), np.array(points, np.float32))
    assert piece.dtype == np.uint8
    assert piece.ndim == 3
    assert min(piece.shape) >= 1


def test_a_line_longer_than_opencv_can_address_is_cropped() -> None:
    """A strip of 40 000 pixels gives a crop that is only coarser."""
    page = np.full((6, 40_000, 3), 90, np.uint8)
    piece = crop(page, np.array([[0, 0], [40_000, 0], [40_000, 6], [0, 6]], np.float32))
    assert piece.shape[1] > 10_000
    assert (piece == 90).all()
