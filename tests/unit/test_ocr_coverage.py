"""Laws of coverage: a text accounts for the ink of its line, and what no text accounts for is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.coverage import Coverage, coverage, doubted
from pipeline.ocr.geometry import Polygons
from pipeline.ocr.ink import Ink
from tests.unit.table_answers import quads

SIZE = {"height": 1000, "width": 1000}


def page(counts: list[int]) -> tuple[Ink, Polygons]:
    """A line of so many characters a row, and their ink."""
    boxes = [
        (20 + 15 * n, 40 * row, 30 + 15 * n, 40 * row + 20) for row, count in enumerate(counts, 1) for n in range(count)
    ]
    lines = quads([(10, 40 * row - 5, 990, 40 * row + 25) for row in range(1, len(counts) + 1)])
    return Ink(np.array(boxes, np.int32).reshape(-1, 4)), lines


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_a_page_that_is_read_misses_nothing(counts: list[int]) -> None:
    """Texts with as many characters as there is ink leave no ink over."""
    ink, lines = page(counts)
    covered = coverage(ink, lines, ["x" * count for count in counts], **SIZE)
    assert covered.printed.tolist() == counts
    assert (covered.missing, covered.missing_share) == (0, 0)


@given(st.lists(st.integers(8, 50), min_size=2, max_size=20), st.data())
def test_lines_that_are_not_delivered_are_missing(counts: list[int], data: st.DataObject) -> None:
    """The characters of a line that was dropped are told, and their share of all."""
    ink, lines = page(counts)
    dropped = data.draw(st.integers(0, len(counts) - 1))
    kept = [row for row in range(len(counts)) if row != dropped]
    covered = coverage(ink, lines[kept], ["x" * counts[row] for row in kept], **SIZE)
    assert covered.left_over == counts[dropped]
    assert covered.missing_share == pytest.approx(counts[dropped] / sum(counts))


def test_a_text_without_most_of_its_characters_is_not_read() -> None:
    """Of 20 characters of ink, 9 in the text are too few, and 10 are enough."""
    ink, lines = page([20, 20])
    covered = coverage(ink, lines, ["x" * 9, "x x " * 5], **SIZE)
    assert covered.not_read.tolist() == [True, False]
    assert covered.missing == 11


def test_accents_and_dots_are_not_characters() -> None:
    """An accent belongs to the letter below it; the dots of a leader are lower than a character."""
    ink, lines = page([10])
    accents = ink.boxes + np.array([2, -4, -2, -18], np.int32)
    dots = np.array([[300 + 9 * n, 56, 304 + 9 * n, 60] for n in range(40)], np.int32)
    covered = coverage(Ink(np.concatenate([ink.boxes, accents, dots])), lines, ["x" * 10], **SIZE)
    assert covered.printed.tolist() == [10]


def test_lines_that_run_down_count_their_characters_too() -> None:
    """Characters above one another in a line that runs down are one each."""
    boxes = np.array([[100, 20 + 30 * n, 120, 40 + 30 * n] for n in range(12)], np.int32)
    downwards = np.array([[[125, 10], [125, 400], [95, 400], [95, 10]]], np.float32)
    covered = coverage(Ink(boxes), downwards, ["x" * 12], **SIZE)
    assert covered.printed.tolist() == [12]


@pytest.mark.parametrize(
    ("texts", "sure", "unknown"),
    [
        (["x" * 20] * 4, 0.97, False),
        (["x" * 8] * 4, 0.97, True),
        (["x" * 20] * 4, 0.7, True),
        ([*["x" * 20] * 2, "x", "x"], 0.97, True),
    ],
)
def test_a_page_that_is_hardly_read_is_in_an_unknown_script(texts: list[str], sure: float, unknown: bool) -> None:
    """Too few characters for its ink, too many such lines, or a recogniser that is not sure."""
    ink, lines = page([20] * 4)
    assert coverage(ink, lines, texts, **SIZE).is_unknown_script([sure] * 4) is unknown


def test_a_page_of_few_characters_tells_no_script() -> None:
    """A single word proves nothing."""
    assert not Coverage(np.array([6]), np.array([1]), 0).is_unknown_script([0.2])


def test_a_doubted_line_is_less_sure() -> None:
    """By the characters that it lacks; letters of an unknown script are guesses, its numbers are not."""
    assert doubted(0.9, "abc", printed=12, written=3, unknown_script=False) == pytest.approx(0.225)
    assert doubted(0.9, "abcdefghijkl", printed=12, written=12, unknown_script=True) == 0.3
    assert doubted(0.9, "13,500.00", printed=9, written=9, unknown_script=True) == 0.9
    assert doubted(0.9, "Total", printed=5, written=5, unknown_script=False) == 0.9
