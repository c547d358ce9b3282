"""Laws of specks: a character where none can be read is dirt, and text is not."""

from __future__ import annotations

import pytest

from pipeline.ocr.specks import is_speck
from pipeline.ocr.text.reading import Reading
from tests.unit.table_answers import quads

TINY, USUAL = quads([(0, 0, 9, 9)])[0], quads([(0, 0, 30, 34)])[0]


@pytest.mark.parametrize(("text", "sure"), [("章", 0.93), ("章", 0.2), ("x", 0.2), ("2r", 0.3)])
def test_dirt_is_told(text: str, sure: float) -> None:
    """A guess of one or two characters is dirt, and so is a character of many strokes in a few pixels."""
    assert is_speck(TINY, Reading(text, sure))


@pytest.mark.parametrize(("text", "sure"), [("7", 0.95), ("元", 0.9), ("RM", 0.5), ("", 0.0)])
def test_a_character_that_can_be_read_is_text(text: str, sure: float) -> None:
    assert not is_speck(USUAL, Reading(text, sure))


def test_a_small_digit_is_text() -> None:
    """Simple characters can be read at any size."""
    assert not is_speck(TINY, Reading("1", 0.9))


def test_longer_text_is_text() -> None:
    """However badly it reads: it may be of a script that the recogniser does not know."""
    assert not is_speck(TINY, Reading("abc", 0.1))
