"""Laws of check boxes: each is told once, in the line that is its label or alone, and is off the picture read."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.ocr.geometry import no_polygons
from pipeline.ocr.ticks import EMPTY, TICKED, Ticks, stretched, ticks_of, without_boxes
from tests.unit.table_answers import quads

BOX = (100, 100, 120, 120)


def ticks(*lines: tuple[tuple[int, int, int, int], str], ticked: bool = True) -> Ticks:
    polygons = quads([box for box, _ in lines]) if lines else no_polygons()
    return ticks_of(np.array([BOX], float), [ticked], polygons, [text for _, text in lines])


def test_a_box_stands_before_the_label_to_its_right() -> None:
    """Ticked or empty, as the form says; other lines stay as they are."""
    label, below = ((130, 95, 300, 125), "Police informed"), ((130, 155, 300, 185), "Own fault")
    assert ticks(label, below).texts == {0: f"{TICKED} Police informed"}
    assert ticks(label, below, ticked=False).texts == {0: f"{EMPTY} Police informed"}


def test_a_box_stands_behind_a_label_to_its_left() -> None:
    """Where nothing stands to its right."""
    assert ticks(((10, 95, 90, 125), "Cheque")).texts == {0: f"Cheque {TICKED}"}


def test_a_label_to_the_right_comes_first() -> None:
    """Forms set boxes before their labels, however near the label of the box before is."""
    assert ticks(((20, 95, 98, 125), "Cash"), ((140, 95, 300, 125), "Cheque")).texts == {1: f"{TICKED} Cheque"}


def test_a_line_may_reach_into_its_box() -> None:
    """Boxes of lines are loose; blanks at the ends of its text go."""
    assert ticks(((110, 95, 300, 125), " Cheque")).texts == {0: f"{TICKED} Cheque"}


def test_answers_stand_behind_their_question() -> None:
    """Boxes in columns at the end of a row, from left to right, wherever the file has them."""
    boxes = np.array([(500, 100, 520, 120), (400, 100, 420, 120)], float)
    told = ticks_of(boxes, [True, False], quads([(100, 95, 300, 125)]), ["Accident at work"])
    assert (told.texts, told.alone) == ({0: f"Accident at work {EMPTY} {TICKED}"}, [])


def test_a_line_reaches_over_its_boxes() -> None:
    """Along its own direction; ends that reach as far already stay."""
    line = np.array([[100, 100], [300, 110], [299, 130], [99, 120]], np.float32)
    boxes = np.array([(60, 100, 80, 120), (150, 100, 170, 120)], float)
    reached = stretched(line, boxes)
    assert np.allclose(reached[[1, 2]], line[[1, 2]])
    assert np.allclose(reached[0], [60, 98])
    assert reached[3, 0] == 60


@pytest.mark.parametrize("ground", [255, 200])
def test_boxes_are_taken_off_the_picture(ground: int) -> None:
    """In the colour of the ground around; what stands beside them stays, and so does the picture that was given."""
    image = np.full((60, 200, 3), ground, np.uint8)
    image[20:40, 20:40] = 0
    image[20:40, 60:100] = 10
    image[20:40, 120:180] = 20
    page = without_boxes(image, [(20.0, 20.0, 40.0, 40.0), (120.0, 20.0, 180.0, 40.0)])
    assert (page[:, :50] == ground).all()
    assert (page[20:40, 60:100] == 10).all()
    assert (page[20:40, 120:180] == 20).all(), "three times as wide as high: a label may be drawn in it"
    assert image[30, 30, 0] == 0


def test_boxes_at_the_edge_are_taken_off() -> None:
    """Boxes that reach over the page, or lie off it, harm nothing."""
    image = np.full((40, 40, 3), 9, np.uint8)
    page = without_boxes(image, [(-5.0, -5.0, 50.0, 50.0), (35.0, 35.0, 45.0, 45.0), (90.0, 90.0, 99.0, 99.0)])
    assert (page == 9).all()


@pytest.mark.parametrize("box", [(600, 95, 700, 125), (130, 300, 300, 330)])
def test_a_box_without_a_label_stands_alone(box: tuple[int, int, int, int]) -> None:
    """What is far off labels nothing."""
    told = ticks((box, "elsewhere"))
    assert (told.texts, told.alone) == ({}, [(0, TICKED)])
    assert ticks().alone == [(0, TICKED)]


def test_a_line_labels_one_box() -> None:
    """Two boxes before one label: the second stands alone."""
    boxes = np.array([BOX, (70, 100, 90, 120)], float)
    told = ticks_of(boxes, [True, False], quads([(130, 95, 300, 125)]), ["Cheque"])
    assert (told.texts, told.alone) == ({0: f"{TICKED} Cheque"}, [(1, EMPTY)])
