"""Laws of turned lines: what runs up the page is read up, vertical writing stays, and short lines follow long ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.geometry import Polygons, crop, orient
from pipeline.ocr.text.reading import Reading
from pipeline.ocr.turned_lines import ManyWays, Quarters, Turned, turned_box, turned_crop, turned_lines, turns_to_try
from tests.unit.table_answers import quads

STANDING: Polygons = orient(quads([(0, 0, 20, 200)]))[0]
NARROW: Polygons = orient(quads([(0, 0, 20, 34)]))[0]
LEVEL: Polygons = quads([(0, 0, 200, 20)])[0]
SQUARE: Polygons = quads([(0, 0, 24, 30)])[0]


def line(box: Polygons, text: str, sure: float, turned: dict[Quarters, tuple[str, float]]) -> ManyWays:
    views = tuple(Turned(quarters, Reading(*said)) for quarters, said in turned.items())
    return ManyWays(box, Reading(text, sure), views)


def turned_text(*lines: ManyWays) -> list[str]:
    """What each line says in the end."""
    turns = turned_lines(lines)
    return [turn.reading.text if turn else one.reading.text for one, turn in zip(lines, turns, strict=True)]


def test_a_line_that_runs_up_is_read_up() -> None:
    """A line that stands says what it says on its head, where the recogniser is surer of that."""
    assert turned_text(line(STANDING, "wwatng anths", 0.6, {2: ("Waiting months", 0.99)})) == ["Waiting months"]


def test_a_line_that_runs_down_stays() -> None:
    """A line that stands keeps its text where that is the surer one."""
    assert turned_text(line(STANDING, "Basic plan", 0.95, {2: ("ueid oiseg", 0.6)})) == ["Basic plan"]


def test_vertical_writing_is_read_once() -> None:
    """Columns of Chinese that read well are not read on their head."""
    assert turns_to_try(STANDING, Reading("甲方上海远洋运输有限公司", 0.99)) == ()


@pytest.mark.parametrize(("sure", "says"), [(("Premium plan", 0.99), "%09"), (("uejd wniwejd", 0.5), "60%")])
def test_a_short_line_runs_as_the_others_do(sure: tuple[str, float], says: str) -> None:
    """A text that reads as well on its head runs the way that the longer lines which stand on the page run."""
    long = line(STANDING, "pr mm rlan x", 0.8, {2: sure})
    assert turned_text(long, line(STANDING, "60%", 1.0, {2: ("%09", 1.0)}))[1] == says


def test_a_narrow_character_is_upright() -> None:
    """A character alone in a tall box is read upright, and never on its head, whatever else stands on the page."""
    long = line(STANDING, "pr mm rlan x", 0.6, {2: ("Premium plan", 0.99)})
    assert turned_text(long, line(NARROW, "9", 1.0, {1: ("6", 0.99), 2: ("6", 1.0)}))[1] == "6"
    assert turned_text(long, line(NARROW, "6", 1.0, {1: ("", 0.0), 2: ("9", 1.0)}))[1] == "6"


def test_a_scratch_is_no_upright_character() -> None:
    """A slanting box is not tried upright."""
    slanting = np.array([[168, 1217], [178, 1236], [168, 1241], [158, 1222]], np.float32)
    assert 1 not in turns_to_try(slanting, Reading("一", 0.96))


def test_a_level_line_on_its_head_is_turned_only_for_a_text_that_can_be_read() -> None:
    """Where neither way can be read, or the text is short, a level line stays as it is."""
    assert turned_text(line(LEVEL, "pjow pey", 0.5, {2: ("Paid in May", 0.97)})) == ["Paid in May"]
    assert turned_text(line(LEVEL, "pjow pey", 0.3, {2: ("Pod w Mey", 0.6)})) == ["pjow pey"]
    assert turned_text(line(LEVEL, "@ 6%", 0.7, {2: ("%9", 0.98)})) == ["@ 6%"]


def test_a_short_word_that_stands_is_read_on_its_side() -> None:
    """A box about as high as wide that reads badly says what it says turned, where that can be read."""
    assert turns_to_try(SQUARE, Reading("o", 0.2)) == (1, 3)
    assert turned_text(line(SQUARE, "o", 0.2, {1: ("Oty", 0.6), 3: ("Qty", 0.99)})) == ["Qty"]


@given(st.sampled_from([LEVEL, STANDING, NARROW, SQUARE]), st.floats(0, 1), st.text(max_size=20))
def test_the_number_of_further_readings_is_bounded(box: Polygons, sure: float, text: str) -> None:
    """No line is read more than twice again."""
    assert len(turns_to_try(box, Reading(text, sure))) <= 2


@given(st.sampled_from([1, 2, 3]), st.integers(8, 40), st.integers(8, 40))
def test_a_turned_box_cuts_out_the_turned_crop(quarters: Quarters, width: int, height: int) -> None:
    """Cutting a page at the turned box gives the same pixels as turning what was cut at the box."""
    page = np.random.default_rng(width).integers(0, 255, (60, 60, 3), np.uint8)
    box = quads([(5, 5, 5 + width, 5 + height)])[0]
    assert np.array_equal(crop(page, turned_box(box, quarters)), turned_crop(crop(page, box), quarters))
