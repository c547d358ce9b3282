"""Pages that stand on their side or head: how they are turned, and how points come back from the upright image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.orientation import (
    Rotation,
    is_upright,
    middle_tensor,
    to_page,
    turn_of,
    turned,
    whole_tensor,
)

ROTATIONS: tuple[Rotation, ...] = (0, 90, 180, 270)
sides = st.integers(1, 40)
rotations = st.sampled_from(ROTATIONS)


def page(height: int, width: int) -> np.ndarray:
    """Every pixel tells where it is."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, :, 0], image[:, :, 1] = np.arange(height)[:, None], np.arange(width)
    return image


@pytest.mark.parametrize("standing", ROTATIONS)
def test_the_answer_turns_the_page_back(standing: Rotation) -> None:
    """A page said to stand turned clockwise is turned the rest of the way round, and is then what it was."""
    probabilities = np.full(4, 0.1, np.float32)
    probabilities[ROTATIONS.index(standing)] = 0.7
    turn = turn_of(probabilities)
    assert (standing + turn.rotation) % 360 == 0
    assert turn.confidence == pytest.approx(0.7)
    upright = page(5, 9)
    assert np.array_equal(turned(turned(upright, standing), turn.rotation), upright)


def test_turns_are_clockwise() -> None:
    """What was at the top left is at the top right after a quarter, and the image is still contiguous."""
    image = page(5, 9)
    quarter = turned(image, 90)
    assert quarter.shape == (9, 5, 3)
    assert np.array_equal(quarter[0, -1], image[0, 0])
    assert all(turned(image, rotation).flags.c_contiguous for rotation in ROTATIONS)


@given(sides, sides, rotations, st.data())
def test_a_pixel_of_the_upright_image_is_found_on_the_page(
    height: int, width: int, rotation: Rotation, data: st.DataObject
) -> None:
    """The middle of any pixel of the turned image comes back to the middle of the pixel it was."""
    image = page(height, width)
    upright = turned(image, rotation)
    row, column = data.draw(st.integers(0, upright.shape[0] - 1)), data.draw(st.integers(0, upright.shape[1] - 1))
    point = np.array([[column + 0.5, row + 0.5]], np.float32)
    ((x, y),) = to_page(point, rotation, width=width, height=height)
    assert (x % 1, y % 1) == (0.5, 0.5)
    assert upright[row, column].tolist() == image[int(y), int(x)].tolist()


crops = st.tuples(st.just("crop"), st.integers(0, 1000), st.integers(0, 1000))
turns = st.tuples(st.just("turn"), rotations, st.just(0))


@given(sides, sides, st.lists(crops | turns, max_size=8), st.data())
def test_a_point_comes_back_through_any_chain(
    height: int, width: int, chain: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    """However an image was turned and cut, a point of what is left is found where it was."""
    image = original = page(height, width)
    undo = []
    for kind, one, two in chain:
        rows, columns = image.shape[:2]
        if kind == "crop":
            top, left = one % rows, two % columns
            image = image[top:, left:]
            undo.append(lambda points, shift=(left, top): points + np.array(shift, np.float32))
        else:
            rotation = ROTATIONS[ROTATIONS.index(one)]
            image = turned(image, rotation)
            undo.append(lambda points, r=rotation, w=columns, h=rows: to_page(points, r, width=w, height=h))
    row, column = data.draw(st.integers(0, image.shape[0] - 1)), data.draw(st.integers(0, image.shape[1] - 1))
    points = np.array([column + 0.5, row + 0.5], np.float32)
    for step in reversed(undo):
        points = step(points)
    assert image[row, column].tolist() == original[int(points[1]), int(points[0])].tolist()


@given(st.integers(0, 2**32 - 1), rotations)
def test_boxes_keep_their_beginning(seed: int, rotation: Rotation) -> None:
    """Corners stay in their order, so that the first is the text's own top left; shape and type stay, too."""
    polygons = np.random.default_rng(seed).uniform(0, 50, (3, 4, 2)).astype(np.float32)
    back = to_page(polygons, rotation, width=60, height=80)
    assert back.shape == polygons.shape
    assert back.dtype == np.float32
    one_by_one = [to_page(corner[None], rotation, width=60, height=80)[0] for corner in polygons.reshape(-1, 2)]
    assert np.array_equal(back.reshape(-1, 2), one_by_one)


@given(sides, st.integers(1, 3000), st.booleans())
def test_any_page_can_be_shown(short: int, long: int, portrait: bool) -> None:
    """Whatever a page's shape, both views of it are what the classifier takes: RGB, within the range of its norm."""
    image = np.zeros((long, short, 3) if portrait else (short, long, 3), np.uint8)
    image[:, :, 2] = 255
    for tensor in (whole_tensor(image), middle_tensor(image)):
        assert tensor.shape == (3, 224, 224)
        assert tensor.dtype == np.float32
        assert tensor[0] == pytest.approx((1 - 0.485) / 0.229, abs=1e-4)
        assert tensor[2] == pytest.approx((0 - 0.406) / 0.225, abs=1e-4)


def test_the_middle_is_the_middle() -> None:
    """Of a page with a square in its middle, only the square is seen."""
    image = np.zeros((3000, 1000, 3), np.uint8)
    image[1050:1950, 50:950] = 255
    assert middle_tensor(image).min() > 2
    assert whole_tensor(image).min() < 0


def test_only_upright_pages_are_settled_at_once() -> None:
    """A classifier sure of a turn is asked again, and so is one that is unsure."""
    sure, unsure = np.array([0.92, 0.03, 0.03, 0.02], np.float32), np.array([0.6, 0.2, 0.1, 0.1], np.float32)
    assert is_upright(sure)
    assert not is_upright(unsure)
    assert not is_upright(np.roll(sure, 1))
