"""Laws of codes: shapes tell O from 0 and I from 1, where the recogniser held both possible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from pipeline.ocr.geometry import Image
from pipeline.ocr.text.by_shape import by_shape
from pipeline.ocr.text.code_shapes import Shape, code_places
from pipeline.ocr.text.codes import with_codes
from pipeline.ocr.text.confidence import line_confidence
from pipeline.ocr.text.doubts import Doubt
from pipeline.ocr.text.reading import Reading

FONT, STEP_PX = ImageFont.load_default(32), 30
LOOK_ALIKES = {"0": "O", "O": "0", "1": "I"}


def drawn(text: str, *, marked: bool = False) -> Image:
    """A line, its characters apart; with `marked`, a zero is an O with a dot in its middle, as in some fonts."""
    picture = Picture.new("RGB", (STEP_PX * len(text) + 20, 44), "white")
    draw = ImageDraw.Draw(picture)
    for place, sign in enumerate(text):
        shown = "O" if marked and sign == "0" else sign
        left, top, right, bottom = draw.textbbox((10 + STEP_PX * place, 4), shown, font=FONT)
        draw.text((10 + STEP_PX * place, 4), shown, fill="black", font=FONT)
        if marked and sign == "0":
            x, y = (left + right) / 2, (top + bottom) / 2
            draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill="black")
    return np.ascontiguousarray(np.asarray(picture))


def read(text: str, share: float) -> Reading:
    """A text each of whose signs that look like another may be that, by a share of its own probability."""
    doubts = [Doubt(at, 0.9, ((LOOK_ALIKES[one], 0.9 * share),)) for at, one in enumerate(text) if one in LOOK_ALIKES]
    return Reading(text, 0.9, doubts=tuple(doubts), expected_errors=0.01)


def said(text: str, line: Image, *, share: float = 0.1) -> str:
    return with_codes([by_shape(read(text, share), line)])[0].text


CODES = st.text("ABCDEFGHKMNPRSTUVXYZ23456789O0", min_size=5, max_size=10).map("A24{}".format)


@given(CODES)
def test_a_wide_sign_is_an_o(code: str) -> None:
    """In a proportional font O is wider than digits: what was read for its zeros is told by their widths."""
    assert said(code.replace("O", "0"), drawn(code)) == code


@given(CODES)
def test_zeros_with_a_mark_leave_the_others_to_be_o(code: str) -> None:
    """Where zeros are as wide as O and have a dot, those without are O; one dot alone may be a speck."""
    line = f"00{code}"
    assert said(line.replace("O", "0"), drawn(line, marked=True)) == line


def test_marked_zeros_tell_of_the_zeros_in_other_lines() -> None:
    """A line without a marked zero is told by the page, if most of its round signs are marked."""
    marked = by_shape(read("A0400", 0.02), drawn("A0400", marked=True))
    unknown = replace(read("KX70", 0.02), shapes=(Shape(place=3, width=1.0, core=0.0, bar=False),))
    assert [line.text for line in with_codes([marked, unknown])] == ["A0400", "KX7O"]
    assert [line.text for line in with_codes([marked, *[unknown] * 4])] == ["A0400", *["KX70"] * 4]


def test_a_sign_that_no_shape_tells_is_expected_to_be_wrong() -> None:
    """The line of an unsettled sign is less sure than its recogniser says; that of a settled one is as sure."""
    line = read("KX7044", 0.1)
    unsettled = with_codes([line])[0]
    settled = with_codes([by_shape(line, drawn("KX7O44"))])[0]
    assert (unsettled.text, settled.text) == ("KX7044", "KX7O44")
    assert line_confidence(unsettled) < line_confidence(settled) == line_confidence(line)


@pytest.mark.parametrize("text", ["FOOD STORE", "1000500", "120PCS", "10.50", "NO.10", "R2D", "rev0A1"])
def test_words_numbers_and_quantities_are_no_codes(text: str) -> None:
    """A code mixes at least four capitals and digits, and is no number with a unit behind it."""
    assert not code_places(text)


@pytest.mark.parametrize(
    ("text", "code"), [("Ref. KX07OTB,", "KX07OTB"), ("(WO-I0015-O)", "WO-I0015-O"), ("No:A/1002", "A/1002")]
)
def test_a_code_ends_where_its_letters_and_digits_do(text: str, code: str) -> None:
    """Punctuation and brackets around it are no part of a code; dashes and slashes within it are."""
    assert "".join(text[place] for place in sorted(code_places(text))) == code


@given(CODES, st.sampled_from([0.0, 0.001, 0.009]))
def test_what_the_recogniser_ruled_out_stays(code: str, share: float) -> None:
    """A shape alone changes no sign of a line without marked zeros."""
    text = code.replace("O", "0")
    assert said(text, drawn(code), share=share) == text


def test_a_bar_is_an_i() -> None:
    """Of a 1 that may be I the shape decides: a bar is I, one with a flag is none."""
    assert said("AX117", drawn("AXI17")) == "AXI17"
    assert said("AX117", drawn("AX117")) == "AX117"


@given(CODES)
def test_a_code_that_was_read_right_stays(code: str) -> None:
    """Whatever its signs may be instead, none is changed against its shape."""
    assert said(code, drawn(code)) == code
