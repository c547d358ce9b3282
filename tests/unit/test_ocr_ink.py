"""Laws of the ink of a page: which components may be characters, how large the print is, and what no line holds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from pipeline.ocr.geometry import Image, no_polygons
from pipeline.ocr.ink import ink_of
from tests.unit.table_answers import quads

SENTENCE = "Freight of nine crates, weighed and sealed"


def page_of(rows: int, size: int, *, ink: int = 0, paper: int = 255) -> Image:
    """Rows of text, `size` pixels high, two sizes apart."""
    picture = Picture.new("L", (1200, 100 + 2 * size * rows), paper)
    draw = ImageDraw.Draw(picture)
    for row in range(rows):
        draw.text((40, 40 + 2 * size * row), SENTENCE, fill=ink, font=ImageFont.load_default(size))
    return np.ascontiguousarray(cv2.cvtColor(np.asarray(picture), cv2.COLOR_GRAY2BGR))


@given(st.integers(14, 60))
def test_print_height_follows_the_size_of_the_font(size: int) -> None:
    """The median character is between two fifths and all of the font's size high."""
    assert 0.4 * size <= ink_of(page_of(8, size)).height_px <= size


def test_specks_do_not_make_print_small() -> None:
    """Three times as many specks as characters leave the height of the print."""
    page = page_of(8, 30)
    clean = ink_of(page).height_px
    rng = np.random.default_rng(7)
    for x, y in rng.integers(0, [page.shape[1] - 5, page.shape[0] - 5], (900, 2)).tolist():
        page[y : y + 4, x : x + 4] = 0
        page[y, x] = 255
    assert abs(ink_of(page).height_px - clean) <= 0.15 * clean


def test_light_print_on_a_dark_page_is_ink() -> None:
    """A page and its negative have the same characters."""
    assert len(ink_of(page_of(4, 30, ink=250, paper=20)).boxes) == len(ink_of(page_of(4, 30)).boxes)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_blank_page_has_no_ink(shade: int) -> None:
    """Its print has no height, and nothing is left over."""
    ink = ink_of(np.full((300, 200, 3), shade, np.uint8))
    assert ink.height_px == 0
    assert len(ink.outside(no_polygons(), height=300, width=200).in_lines().boxes) == 0


def test_ink_outside_every_line_is_told() -> None:
    """Of 8 rows with 6 under polygons, the characters of the other 2 are outside, and stand in lines."""
    page = page_of(8, 30)
    ink = ink_of(page).print
    rows = quads([(0, 30 + 60 * row, 1200, 85 + 60 * row) for row in range(6)])
    outside = ink.outside(rows, height=page.shape[0], width=page.shape[1])
    assert len(outside.boxes) == pytest.approx(len(ink.boxes) / 4, rel=0.02)
    assert len(outside.in_lines().boxes) == pytest.approx(len(outside.boxes), rel=0.1)


@given(st.integers(0, 2**32 - 1))
def test_scattered_marks_are_no_lines(seed: int) -> None:
    """Marks far apart from one another are ink and no text."""
    page = np.full((800, 800, 3), 255, np.uint8)
    shift = np.random.default_rng(seed).integers(0, 30, (100, 2))
    for number, (x, y) in enumerate(shift.tolist()):
        left, top = 80 * (number % 10) + x, 80 * (number // 10) + y
        cv2.circle(page, (left + 10, top + 10), 6, (0, 0, 0), 2)
    ink = ink_of(page)
    assert len(ink.boxes) == 100
    assert len(ink.in_lines().boxes) == 0
