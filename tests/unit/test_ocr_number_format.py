"""Laws of a page's number format: only numbers that it does not allow change, and only to what was possible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.text.doubts import Doubt
from pipeline.ocr.text.number_format import NumberFormat, in_format, number_format_of

POINT, COMMA = NumberFormat("."), NumberFormat(",")
AMOUNTS = st.integers(0, 99_999_999)


def written(cents: int, page: NumberFormat) -> str:
    whole = f"{cents // 100:,}".replace(",", page.thousands)
    return f"{whole}{page.decimal}{cents % 100:02}"


def doubts(text: str, share: float = 0.4) -> tuple[Doubt, ...]:
    """Each separator may be the other one."""
    other = {".": ",", ",": "."}
    return tuple(Doubt(at, 0.6, ((other[sign], share),)) for at, sign in enumerate(text) if sign in other)


@given(st.lists(AMOUNTS, min_size=5), st.sampled_from([POINT, COMMA]))
def test_a_page_has_the_format_of_its_amounts(cents: list[int], page: NumberFormat) -> None:
    """Five amounts tell it."""
    assert number_format_of(written(one, page) for one in cents) == page


def test_few_or_mixed_amounts_tell_no_format() -> None:
    """Four amounts, or as many of one kind as of the other, leave all numbers as they are."""
    assert number_format_of(["1.50", "2.50", "3.50", "4.50"]) is None
    assert number_format_of(["1.50", "2.50", "3.50", "1,50", "2,50", "3,50"]) is None


@given(AMOUNTS, st.sampled_from([POINT, COMMA]))
def test_a_number_in_the_format_stays(cents: int, page: NumberFormat) -> None:
    """However doubtful its separators are."""
    text = f"Total {written(cents, page)} EUR"
    assert in_format(text, doubts(text), page) == text


@given(AMOUNTS, st.sampled_from([POINT, COMMA]), st.data())
def test_misread_separators_are_mended(cents: int, page: NumberFormat, data: st.DataObject) -> None:
    """An amount whose separators were taken for one another is read as it was printed."""
    printed = written(cents, page)
    read = "".join(data.draw(st.sampled_from(".,")) if sign in ".," else sign for sign in printed)
    mended = in_format(read, doubts(read), page)
    assert mended == printed if not page.allows(read) else mended == read


@given(AMOUNTS, st.data())
def test_what_was_read_surely_stays(cents: int, data: st.DataObject) -> None:
    """A separator that the recogniser did not doubt is not changed, right or wrong."""
    read = "".join(data.draw(st.sampled_from(".,")) if sign in ".," else sign for sign in written(cents, POINT))
    assert in_format(read, (), POINT) == read
    assert in_format(read, doubts(read, share=0.6 / 1001), POINT) == read


def test_a_mark_read_twice_is_one_separator() -> None:
    """Two separators beside each other can't be printed so."""
    assert in_format("88.001,.59", (), COMMA) == "88.001,59"
    assert in_format("40.882,.73", (), POINT) == "40.882,.73"


@pytest.mark.parametrize("text", ["12.05.2024", "1.02", "v2.1", "10.0.0.1", "1.5l", "3.14159"])
def test_dates_versions_and_the_like_stay(text: str) -> None:
    """What is no amount of the page is left as it was read, as long as nobody doubts it."""
    assert in_format(text, (), COMMA) == text


def test_a_date_is_no_number() -> None:
    """Its full stops stay even where they might be commas."""
    assert in_format("12.05.2024", doubts("12.05.2024"), COMMA) == "12.05.2024"
