"""A letter alone in a column of numbers."""

from __future__ import annotations

import pytest

from pipeline.ocr.geometry import Polygons
from pipeline.ocr.text.doubts import Doubt
from pipeline.ocr.text.numbers import ODDS, numbers_for_letters
from pipeline.ocr.text.reading import Reading
from pipeline.ocr.text.spelling import LEGIBLE, respell
from tests.polygons import boxes


def lines(*texts: str, share: float = 0.2) -> list[Reading]:
    """Every `o` may be a 0, with this probability; it is read with 0.5."""
    return [
        Reading(text, 0.5, doubts=tuple(Doubt(at, 0.5, (("0", share),)) for at, sign in enumerate(text) if sign == "o"))
        for text in texts
    ]


def column(count: int, *, x: float = 0, step: float = 30) -> Polygons:
    return boxes(*((x, step * row, 20, 20) for row in range(count)))


@pytest.mark.parametrize("place", [1, 2, 3])
def test_it_is_the_digit_that_it_may_be(place: int) -> None:
    """At the column's foot and between."""
    texts = ["19", "2.5", "1,027"]
    texts.insert(place, "o")
    assert numbers_for_letters(lines(*texts), column(4)) == {place: "0"}


@pytest.mark.parametrize(
    "texts",
    [
        ("o", "19", "2"),  # too few to call it a column of numbers
        ("a", "b", "o", "19", "2", "7"),
        ("19", "2", "7", "oo"),
        ("19", "2", "7", "o1"),
        ("o", "19 Mill", "2a", "7 b"),
        ("A1", "B2", "o", "C3", "D4"),
        ("o", "19", "2", "7"),
    ],
)
def test_elsewhere_it_stays(texts: tuple[str, ...]) -> None:
    """Where others are letters too; and in longer texts, which may be codes."""
    assert numbers_for_letters(lines(*texts), column(len(texts))) == {}


def test_a_digit_in_doubt_stays() -> None:
    """It may be another, and nothing in its column says so."""
    page = [*lines("19", "2", "7"), Reading("7", 0.9, doubts=(Doubt(0, 0.9, (("1", 0.2),)),))]
    assert numbers_for_letters(page, column(4)) == {}


def test_others_in_doubt_say_nothing() -> None:
    """However many zeros of a column were read as letters, its numbers decide."""
    page = lines("Stock", "o", "19", "o", "o", "2", "o", "7", "o")
    assert numbers_for_letters(page, column(9)) == dict.fromkeys((1, 3, 4, 6, 8), "0")


def test_the_head_of_a_column_does_not_count() -> None:
    """One line among the numbers may be something else."""
    assert numbers_for_letters(lines("Items", "o", "19", "2", "7"), column(5)) == {1: "0"}


def test_a_column_is_what_stands_above_and_below() -> None:
    """Numbers beside a letter say nothing of it, nor do those beyond a gap."""
    page = lines("19", "2", "7", "o")
    assert numbers_for_letters(page, boxes(*((40, 30 * row, 20, 20) for row in range(3)), (0, 90, 20, 20))) == {}
    assert numbers_for_letters(page, column(4, step=81)) == {}
    assert numbers_for_letters(page, column(4, step=79)) == {3: "0"}


@pytest.mark.parametrize(("share", "digits"), [(0.5 / ODDS - 0.001, {}), (0.5 / ODDS + 0.001, {3: "0"})])
def test_the_digit_must_be_likely_enough(share: float, digits: dict[int, str]) -> None:
    """A letter that is clearly one stays."""
    assert numbers_for_letters(lines("19", "2", "7", "o", share=share), column(4)) == digits


def test_one_sign_is_judged_however_unsure_its_line_is() -> None:
    """The column speaks for it, and its probability becomes the digit's own."""
    *_, last = respell(lines("19", "2", "7", "o"), column(4))
    assert LEGIBLE > 0.5
    assert (last.text, last.mean_probability) == ("0", pytest.approx(0.2))
