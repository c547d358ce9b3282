"""Which pages are in plain letters."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.text.plain import is_plain, is_plain_page


@given(st.characters())
def test_letters_beyond_a_to_z_are_not_plain(sign: str) -> None:
    """A letter is plain if it is one of A to Z, and then only."""
    assert not sign.isalpha() or is_plain(sign) == (sign in string.ascii_letters)


@pytest.mark.parametrize("sign", "aZ0 *#~€£°½–’•×")
def test_signs_of_any_latin_page_are_plain(sign: str) -> None:
    """Currencies, dashes, quotes and bullets say nothing of a page's script."""
    assert is_plain(sign)


@pytest.mark.parametrize("sign", "éßıжαя水。（カ한ก\u0301\u0e31٣")
def test_signs_of_one_script_are_not_plain(sign: str) -> None:
    """Accents and marks by themselves, other digits and full-width brackets belong to a script too."""
    assert not is_plain(sign)


def test_a_page_is_plain_with_one_letter_in_a_hundred_that_is_not() -> None:
    """One letter that withstands the doubt is no reason to believe in another script; two are."""
    assert is_plain_page(["a" * 99, "é"], ["a" * 99, "é"])
    assert not is_plain_page(["a" * 98, "éé"], ["a" * 98, "éé"])
    assert is_plain_page([], [])


def test_a_page_is_not_plain_because_it_could_be_read_so() -> None:
    """Where many letters are of another script at first, lines of it are not read as what resembles them."""
    assert is_plain_page(["total", "ab" * 50, "水水水"], ["total", "ab" * 50, "***"])
    assert not is_plain_page(["total", "мука сахар"], ["total", "myka caxap"])
