"""Laws of leaders: a row of dots is shortened, text and other lines stay whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from pipeline.ocr.geometry import Image
from pipeline.ocr.leaders import shortened

HEIGHT = 40


def line(text: str, *, dots: int = 0, pitch: int = 16, page: str = "") -> Image:
    """An entry, a leader of so many dots, and a page number, black on white."""
    font = ImageFont.load_default(28)
    begin = 10 + round(font.getlength(text)) + 12
    width = begin + pitch * dots + 20 + round(font.getlength(page))
    picture = Picture.new("RGB", (width, HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((10, 2), text, fill="black", font=font)
    for dot in range(dots):
        draw.ellipse((begin + pitch * dot, 27, begin + pitch * dot + 3, 30), fill="black")
    draw.text((begin + pitch * dots + 10, 2), page, fill="black", font=font)
    return np.ascontiguousarray(np.asarray(picture))


@given(st.integers(40, 90), st.integers(9, 20))
def test_a_leader_is_shortened(dots: int, pitch: int) -> None:
    """Four dots stay, whatever their number and distance, and all columns with text."""
    whole = line("Scope of cover", dots=dots, pitch=pitch, page="32")
    short = shortened(whole)
    assert whole.shape[1] - short.shape[1] == pytest.approx((dots - 4) * pitch, abs=2 * pitch)
    text = line("Scope of cover").shape[1] - 20
    assert (short[:, :text] == whole[:, :text]).all()
    assert (short[:, -30:] == whole[:, -30:]).all()


@pytest.mark.parametrize(
    "text", ["Terms of delivery: within 14 days of the order, free of charge. All prices net.", "i" * 90]
)
def test_a_line_of_text_stays_as_it_is(text: str) -> None:
    """Full stops are few, and dots over letters stand above letters."""
    whole = line(text)
    assert shortened(whole) is whole


def test_a_short_leader_stays() -> None:
    """An ellipsis belongs to the text, and a line that is not long needs no shortening."""
    for whole in (
        line("And so on, as in the years before, until the end of this", dots=5, page="and then"),
        line("a", dots=9),
    ):
        assert shortened(whole) is whole


def test_a_blank_line_stays() -> None:
    """Nothing to shorten."""
    blank = np.full((HEIGHT, 900, 3), 255, np.uint8)
    assert shortened(blank) is blank
