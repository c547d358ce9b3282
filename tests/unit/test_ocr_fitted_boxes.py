"""Laws of fitted boxes: a box holds its line's ink, never reaches beyond the line, and turns with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.fitted_boxes import fitted_boxes
from pipeline.ocr.geometry import no_polygons
from pipeline.ocr.ink import Ink
from tests.unit.table_answers import quads

SIZE = {"height": 1000, "width": 1000}


def ink(*boxes: tuple[int, int, int, int]) -> Ink:
    return Ink(np.array(boxes, np.int32).reshape(-1, 4))


@given(st.integers(0, 40), st.integers(0, 20), st.integers(1, 20))
def test_a_box_is_drawn_in_to_its_ink(left: int, top: int, count: int) -> None:
    """Loose by any margin, it comes within a fiftieth of its height of the ink, and holds all of it."""
    letters = [(200 + 20 * n, 300, 214 + 20 * n, 324) for n in range(count)]
    x0, y0, x1, y1 = 200 - left, 300 - top, 200 + 20 * count + left, 326 + top
    (box,) = fitted_boxes(ink(*letters), quads([(x0, y0, x1, y1)]), **SIZE)
    room = 0.02 * (y1 - y0) + 0.01
    assert box[0] == pytest.approx([200, 300], abs=room)
    assert box[2] == pytest.approx([194 + 20 * count, 324], abs=room)
    assert (box[0] <= [200, 300]).all()
    assert (box[2] >= [194 + 20 * count, 324]).all()


def test_a_box_never_grows() -> None:
    """Ink that reaches beyond the line does not widen it."""
    line = quads([(100, 100, 200, 130)])
    (box,) = fitted_boxes(ink((90, 95, 130, 140), (170, 95, 215, 140)), line, **SIZE)
    assert box == pytest.approx(line[0], abs=1e-3)


def test_a_line_without_ink_keeps_its_box() -> None:
    """What the ink does not tell stays as it was found, and no lines stay no lines."""
    lines = quads([(100, 100, 200, 130), (100, 200, 200, 230)])
    boxes = fitted_boxes(ink((120, 105, 134, 125)), lines, **SIZE)
    assert (boxes[1] == lines[1]).all()
    assert len(fitted_boxes(ink(), no_polygons(), **SIZE)) == 0


def test_a_dash_counts_as_ink() -> None:
    """A line that is a dash is drawn in to it."""
    dash = Ink(np.zeros((0, 4), np.int32), np.array([[140, 113, 152, 116]], np.int32))
    (box,) = fitted_boxes(dash, quads([(100, 100, 200, 130)]), **SIZE)
    assert box[0] == pytest.approx([140, 113], abs=1)


def test_a_line_that_runs_down_is_drawn_in_along_its_own_axes() -> None:
    """Corners keep their order: the first is the text's own top left."""
    downwards = np.array([[[140, 80], [140, 400], [100, 400], [100, 80]]], np.float32)
    letters = [(110, 100 + 30 * n, 130, 120 + 30 * n) for n in range(8)]
    (box,) = fitted_boxes(ink(*letters), downwards, **SIZE)
    assert box == pytest.approx(np.array([[130, 100], [130, 330], [110, 330], [110, 100]]), abs=1)
