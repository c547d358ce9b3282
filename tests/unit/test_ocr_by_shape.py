"""Laws of shapes: marks that stand raised become words of their own, a bar behind a number is the unit l."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from pipeline.ocr.geometry import Image
from pipeline.ocr.glyphs import glyphs_of
from pipeline.ocr.text.by_shape import by_shape
from pipeline.ocr.text.doubts import Doubt
from pipeline.ocr.text.reading import Reading
from pipeline.ocr.text.units import Ones, have_flags, with_units

LARGE, SMALL = ImageFont.load_default(32), ImageFont.load_default(19)
NUMBERS = st.integers(1, 99_999).map(lambda number: f"{number:,}").filter(lambda number: "1" not in number)
"""Without ones, which the drawing font sets as far apart as words."""


def drawn(text: str, raised: str = "", after: str = "") -> Image:
    """A line with a mark behind it that stands raised, and text after that."""
    picture = Picture.new("RGB", (900, 44), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((10, 4), text, fill="black", font=LARGE)
    begin = 10 + LARGE.getlength(text)
    draw.text((begin, 1), raised, fill="black", font=SMALL)
    draw.text((begin + SMALL.getlength(raised) + 20, 4), after, fill="black", font=LARGE)
    return np.ascontiguousarray(np.asarray(picture))


def said(text: str, line: Image) -> str:
    return by_shape(Reading(text, 0.99), line).text


@given(NUMBERS, st.integers(2, 9))
def test_a_raised_digit_is_a_word_of_its_own(number: str, note: int) -> None:
    """Read as the last digit of a number, it becomes a mark behind it."""
    mark = "⁰¹²³⁴⁵⁶⁷⁸⁹"[note]
    assert said(f"{number}{note}", drawn(number, str(note))) == f"{number} {mark}"
    assert said(f"Rent {number}{note} 80", drawn(f"Rent {number}", str(note), "80")) == f"Rent {number} {mark} 80"


@given(NUMBERS)
def test_a_number_on_one_line_stays(number: str) -> None:
    """No digit of usual size is a mark."""
    assert said(f"Rent {number}", drawn(f"Rent {number}")) == f"Rent {number}"


def test_a_raised_digit_behind_a_unit_of_length_belongs_to_it() -> None:
    """Square metres are no note; the superscript sign stays with the unit."""
    assert said("45 m2", drawn("45 m", "2")) == "45 m²"


@pytest.mark.parametrize(
    ("text", "wanted"), [("812⁵", "812 ⁵"), ("45 m²", "45 m²"), ("2πr²", "2πr²"), ("12 ³", "12 ³"), ("x", "x")]
)
def test_superscript_signs_that_were_read_stand_apart(text: str, wanted: str) -> None:
    """Whether the recogniser or the shape said it, a mark is delivered in one way."""
    assert said(text, drawn("nothing alike")) == wanted


def test_doubts_keep_their_signs() -> None:
    """Where a blank was put in, the doubts behind it move along, and those of a raised sign are gone."""
    reading = Reading("Rent 9501 80", 0.9, doubts=(Doubt(0, 0.5, ()), Doubt(8, 0.5, ()), Doubt(10, 0.5, ())))
    changed = by_shape(reading, drawn("Rent 950", "1", "80"))
    assert changed.text == "Rent 950 ¹ 80"
    assert [(doubt.place, changed.text[doubt.place]) for doubt in changed.doubts] == [(0, "R"), (11, "8")]


def test_glyphs_are_those_of_their_words() -> None:
    """One a character, in order; a word whose characters touch has none, and its neighbours keep theirs."""
    first, second = glyphs_of(drawn("Milk 250"), ["Milk", "250"])
    assert first is not None
    assert second is not None
    assert first[-1].right < second[0].left
    assert glyphs_of(drawn("Milk 250"), ["Mi1lk", "250"])[0] is None
    assert glyphs_of(drawn("Milk"), ["Mi", "l", "k", "2", "5"]) == [None] * 5


@given(st.integers(2, 9), st.integers(0, 9), st.sampled_from("lI"))
def test_a_bar_behind_a_number_is_a_unit(whole: int, tenths: int, possible: str) -> None:
    """Read as a one that may be l or I: of a page whose ones have flags it is the l of litres; a one stays a one."""
    litres, price = f"{whole}.{tenths}", f"{whole}.{tenths}1"
    doubts = [Doubt(3, 0.9, ((possible, 0.01),))]
    ones = by_shape(Reading(f"{litres}1", 0.99), drawn(f"{litres}l")).ones
    flagged = by_shape(Reading(price, 0.99), drawn(price)).ones
    assert with_units(f"{litres}1", ones, doubts) == f"{litres}l"
    assert with_units(f"{litres}1", ones, ()) == f"{litres}1"
    assert with_units(price, flagged, doubts) == price
    assert have_flags([ones, flagged])


@given(st.integers(10_000, 99_999_999).map(lambda number: f"{number}1") | st.integers(1, 999).map("00{}1".format))
def test_a_long_number_has_no_unit(number: str) -> None:
    """A number of more than four digits, and one that begins with zeros, is a code, whatever it ends with."""
    ones = by_shape(Reading(number, 0.99), drawn(f"{number[:-1]}l")).ones
    assert with_units(number, ones, [Doubt(len(number) - 1, 0.9, (("l", 0.1),))]) == number


def test_a_page_of_bars_has_no_unit() -> None:
    """Where other ones are bars too, or there are no others, a bar says nothing."""
    ending = Ones(0, 0, frozenset({"1.51"}))
    assert not have_flags([ending])
    assert not have_flags([ending, Ones(1, 5)])
    assert have_flags([ending, Ones(0, 5)])
