"""A probability map becomes the boxes a person would draw round the text."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.ocr.boxes import BoxRules, _grow, find_boxes
from pipeline.ocr.geometry import Polygons

RULES = BoxRules(thresh=0.2, box_thresh=0.45, unclip_ratio=1.4, max_candidates=3000)
ONE = np.ones(2, np.float32)


def canvas(
    *rectangles: tuple[tuple[float, float], tuple[float, float], float], value: float = 0.9
) -> NDArray[np.float32]:
    plane = np.zeros((240, 320), np.float32)
    for rectangle in rectangles:
        cv2.fillPoly(plane, [np.round(cv2.boxPoints(rectangle)).astype(np.int32)], (value,))
    return plane


def boxes(plane: NDArray[np.float32], rules: BoxRules = RULES) -> tuple[Polygons, NDArray[np.float32]]:
    return find_boxes(plane, rules, scale=ONE, height=plane.shape[0], width=plane.shape[1])


def test_a_bar_grows_to_its_text() -> None:
    """The box is the bar, larger on every side by area * ratio / perimeter; the score is the map's mean under it."""
    polygons, scores = boxes(canvas(((160, 120), (100, 20), 0)))
    away = 100 * 20 * 1.4 / 240
    expected = [[110 - away, 110 - away], [210 + away, 110 - away], [210 + away, 130 + away], [110 - away, 130 + away]]
    assert polygons[0] == pytest.approx(np.array(expected), abs=1)
    assert scores == pytest.approx([0.9], abs=1e-5)


@given(width=st.floats(4, 90), height=st.floats(4, 90), angle=st.floats(0, 90), ratio=st.floats(0.5, 2.5))
def test_growing_is_offsetting(width: float, height: float, angle: float, ratio: float) -> None:
    """The grown rectangle is the smallest one round all points at the distance from the rectangle."""
    rectangle = ((200.0, 200.0), (width, height), angle)
    distance = width * height * ratio / (2 * (width + height))
    turn = np.linspace(0, 2 * np.pi, 721)
    circle = distance * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    outline = (cv2.boxPoints(rectangle)[:, None] + circle[None]).reshape(-1, 2).astype(np.float32)
    _, grown, _ = _grow(rectangle, ratio)
    _, smallest, _ = cv2.minAreaRect(outline)
    assert grown[0] * grown[1] == pytest.approx(smallest[0] * smallest[1], rel=2e-3)


def test_a_tilted_bar_keeps_its_angle() -> None:
    """The first edge of the box of a tilted bar has the bar's slope."""
    (polygon,), _ = boxes(canvas(((160, 120), (120, 16), 12)))
    edge = polygon[1] - polygon[0]
    assert np.degrees(np.arctan2(edge[1], edge[0])) == pytest.approx(12, abs=1)


def test_doubtful_regions_are_dropped() -> None:
    """A region above the pixel threshold and below the box threshold is no box."""
    assert len(boxes(canvas(((160, 120), (100, 20), 0), value=0.4))[0]) == 0


def test_specks_are_dropped() -> None:
    """Regions thinner than three pixels of the map are noise."""
    plane = canvas()
    plane[50, 60:160] = plane[100:102, 40:42] = 0.9
    assert len(boxes(plane)[0]) == 0


def test_an_empty_map_has_no_boxes() -> None:
    """No region gives arrays of the promised shapes with nothing in them."""
    polygons, scores = boxes(canvas())
    assert polygons.shape == (0, 4, 2)
    assert scores.shape == (0,)


def test_boxes_are_in_pixels_of_the_page() -> None:
    """A map half as high and a third as wide as its page gives boxes on the page, and none reaches outside."""
    plane = canvas(((160, 120), (100, 20), 0), ((8, 120), (30, 20), 0))
    polygons, _ = find_boxes(plane, RULES, scale=np.array([3, 2], np.float32), height=480, width=960)
    right = polygons[polygons[:, 0, 0].argmax()]
    assert right.mean(axis=0) == pytest.approx([480, 240], abs=3)
    assert polygons.min() >= 0


def test_candidates_are_bounded() -> None:
    """A page of speckle costs no more than the rules allow."""
    plane = np.zeros((240, 320), np.float32)
    plane[10:230:20, :] = 0.9
    for row in range(11, 230, 20):
        plane[row : row + 7] = 0.9
    few = BoxRules(RULES.thresh, RULES.box_thresh, RULES.unclip_ratio, max_candidates=4)
    assert len(boxes(plane)[0]) == 11
    assert len(boxes(plane, few)[0]) == 4
