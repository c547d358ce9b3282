"""Laws of show-through: faint mirror images are no text of the page, and what is not one stays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.geometry import Image
from pipeline.ocr.show_through import Faint, FaintRead, faint_part, part_of_box, shows_through
from pipeline.ocr.text.reading import Reading
from tests.unit.table_answers import quads

BADLY = Reading("ilevi bnoo", 0.6)


def crop_of(*parts: tuple[str, int]) -> Image:
    """A line's crop with words from left to right, each as dark as its grey level says."""
    image = np.full((40, 40 + 220 * len(parts), 3), 250, np.uint8)
    for number, (text, level) in enumerate(parts):
        cv2.putText(image, text, (20 + 220 * number, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (level,) * 3, 2)
    return image


def looked_at(*parts: tuple[str, int], reading: Reading = BADLY) -> Faint:
    faint = faint_part(crop_of(*parts), reading)
    assert faint is not None
    return faint


def read(text: str, sure: float, mirrored: str, sure_mirrored: float) -> FaintRead:
    return FaintRead(Reading(text, sure), Reading(mirrored, sure_mirrored), None)


@pytest.mark.parametrize("sure", [0.85, 0.99])
def test_a_faint_line_that_reads_well_is_text(sure: float) -> None:
    """Nobody looks at it in the mirror."""
    assert faint_part(crop_of(("total", 200)), Reading("total", sure)) is None


def test_a_dark_line_that_reads_badly_is_text() -> None:
    """Print of this side is not faint, however it reads."""
    assert faint_part(crop_of(("total", 20)), BADLY) is None


def test_a_faint_line_is_seen_in_both_mirrors() -> None:
    """A sheet may be turned over sideways or upwards; nothing of the line is its own print."""
    faint = looked_at(("total", 200))
    assert np.array_equal(faint.mirrored[0][:, ::-1], crop_of(("total", 200)))
    assert np.array_equal(faint.mirrored[1][::-1], crop_of(("total", 200)))
    assert faint.own is None


@pytest.mark.parametrize("levels", [(20, 210), (210, 20)])
def test_print_that_runs_into_faint_print_is_cut_out_without_it(levels: tuple[int, int]) -> None:
    """What is left of the line is its dark word: its crop has no faint ink, and its corners lie on that side."""
    faint = looked_at(("dark" if levels[0] == 20 else "faint", levels[0]), ("other", levels[1]))
    assert faint.own is not None
    grey = faint.own.image[:, :, 0]
    assert (grey < 60).any()
    assert ((grey < 60) | (grey > 120)).mean() > 0.9
    assert (faint.own.corners[:, 0].mean() < 0.5) == (levels[0] == 20)
    assert faint.own.image.shape[1] < 200


def test_a_mirror_image_shows_through() -> None:
    """A line that reads well in the mirror, and badly as it is, is of the other side."""
    assert shows_through([read("ilevi bnoo", 0.6, "second value", 0.95), None]) == [True, False]


@pytest.mark.parametrize(
    "other",
    [read("RM 8", 0.6, "8 MR", 0.95), read("*****", 0.6, "*******", 0.95), read("second value", 0.84, "eulav", 0.85)],
)
def test_what_is_no_mirror_image_beyond_doubt_is_text(other: FaintRead) -> None:
    """Short texts, signs that are their own mirror images, and lines that read as well either way prove nothing."""
    assert shows_through([other]) == [False]


def test_one_mirror_image_tells_of_others() -> None:
    """Beside one that is beyond doubt, a faint line that can't be read is of the other side too, and one that reads
    better than in the mirror is not."""
    proof = read("ilevi bnoo", 0.6, "second value", 0.95)
    blurred, legible = read("i v  o", 0.5, "se nd v", 0.4), read("due 9 May", 0.8, "yaM 9 eub", 0.5)
    assert shows_through([proof, blurred, legible]) == [True, True, False]
    assert shows_through([blurred, legible]) == [False, False]


@given(st.floats(0, 0.25, width=32), st.floats(0.75, 1, width=32))
def test_a_part_of_a_box_lies_where_it_lies_in_the_crop(low: float, high: float) -> None:
    """Shares of the crop are shares of the box."""
    corners = quads([(low, 0, high, 1)])[0]
    part = part_of_box(quads([(100, 50, 300, 90)])[0], corners)
    assert part == pytest.approx(quads([(100 + 200 * low, 50, 100 + 200 * high, 90)])[0], abs=1e-3)
