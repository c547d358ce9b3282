"""Laws of check boxes: each is told once, in the line that is its label or alone, and its misread tick is gone."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.ocr.geometry import no_polygons
from pipeline.ocr.ticks import EMPTY, TICKED, Ticks, ticks_of
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


def test_a_misread_tick_is_left_out() -> None:
    """Read as a line of its own, or as the first sign of its label."""
    told = ticks(((102, 100, 119, 120), "v"), ((130, 95, 300, 125), "Cheque"))
    assert (told.within, told.texts) == ({0}, {1: f"{TICKED} Cheque"})
    for read in ("v Cheque", "☒ Cheque", "Cheque"):
        assert ticks(((98, 95, 300, 125), read)).texts == {0: f"{TICKED} Cheque"}


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
