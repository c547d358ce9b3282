"""How many errors a recogniser expects in a line, and how likely the line is right by that."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.text.alphabet import Alphabet
from pipeline.ocr.text.confidence import line_confidence
from pipeline.ocr.text.ctc import best_classes, weigh
from pipeline.ocr.text.reading import Reading, as_reading

ALPHABET = Alphabet.of([*"1lIoO0aé", "水"])
Step = dict[str, float]


def read(*steps: Step) -> Reading:
    """A line of such probabilities; "" is the blank."""
    chances = np.zeros((len(steps), len(ALPHABET.characters)), np.float32)
    for row, step in zip(chances, steps, strict=True):
        for character, chance in step.items():
            row[ALPHABET.characters.index(character)] = chance
    weigh(chances)
    best = best_classes(chances)
    return as_reading(best, best_classes(chances * ALPHABET.plain), chances[:, ALPHABET.asked], ALPHABET)


def errors(*steps: Step) -> float:
    found = read(*steps).expected_errors
    assert found is not None
    return found


SURE = st.sampled_from(["", "1", "a", "o", "水", " "])


@given(st.lists(SURE, min_size=1, max_size=12))
def test_no_error_is_expected_where_nothing_else_is_possible(characters: list[str]) -> None:
    """A line of certain characters, spaces and blanks has none, whatever stands beside what."""
    assert errors(*({character: 1.0} for character in characters)) == pytest.approx(0, abs=1e-6)


@given(st.lists(SURE.filter(bool), min_size=1, max_size=6), st.integers(0, 5), st.floats(0.01, 0.4))
def test_what_another_sign_has_is_expected_to_be_an_error(characters: list[str], at: int, other: float) -> None:
    """It adds its probability, wherever the character stands."""
    steps: list[Step] = []
    for place, character in enumerate(characters):
        unsure = place == at % len(characters)
        steps += [{character: 1 - other, "l": other} if unsure else {character: 1.0}, {"": 1.0}]
    assert errors(*steps) == pytest.approx(other, abs=1e-5)


def test_a_sign_that_may_have_been_missed_is_expected_to_be_an_error() -> None:
    """A blank step that might have been a character adds the probability of that."""
    assert errors({"1": 1}, {"": 1}, {"": 0.7, "0": 0.3}, {"": 1}, {"1": 1}) == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize(
    "steps",
    [
        [{"a": 1.0}, {"": 0.6, "a": 0.4}, {"": 1.0}],
        [{"": 0.6, "1": 0.4}, {"1": 1.0}],
        [{"1": 0.5, "": 0.4, "l": 0.1}, {"1": 1.0}],
        [{"o": 0.6, "O": 0.4}],
        [{"1": 0.8, "": 0.2}],
    ],
    ids=["ends earlier", "begins earlier", "surer a step later", "other case", "may be a blank"],
)
def test_the_extent_and_the_case_of_a_character_are_no_errors(steps: list[Step]) -> None:
    """How long a character lasts says nothing of its being right; nor does case, which print often does not show."""
    assert errors(*steps) == pytest.approx(0, abs=1e-6)


def test_columns_after_the_line_change_nothing() -> None:
    """Padding is read as blanks: a line has the same expected errors however wide it was padded."""
    line: list[Step] = [{"1": 0.7, "l": 0.3}, {"": 1.0}]
    assert errors(*line, *[{"": 1.0}] * 20) == errors(*line)


def test_a_plain_reading_has_the_errors_of_its_line() -> None:
    """What it says in place of an accent is as sure as the accent: the page decides between them."""
    found = read({"é": 0.9, "a": 0.1})
    assert (found.text, found.plainly.text) == ("é", "a")
    assert found.plainly.expected_errors == found.expected_errors == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize("text", ["7", "total", "a line of many words that goes on and on"])
def test_confidence_falls_as_more_errors_are_expected(text: str) -> None:
    """Strictly, from nearly sure to unlikely, over all that a line can have."""
    counts = np.linspace(0, 6, 200).tolist()
    found = [line_confidence(Reading(text, 0.9, expected_errors=count)) for count in counts]
    assert all(one > other for one, other in pairwise(found))
    assert 0.9 < found[0] < 1
    assert 0 < found[-1] < 0.3


def test_a_longer_line_is_less_likely_right() -> None:
    """Some errors nobody expects, and each character may have one; spaces are none."""
    found = [line_confidence(Reading("a" * length, 0.9, expected_errors=0.1)) for length in (1, 2, 20, 60)]
    assert all(one > other for one, other in pairwise(found))
    assert line_confidence(Reading("a b c", 0.9, expected_errors=0.1)) == line_confidence(
        Reading("abc", 0.9, expected_errors=0.1)
    )


@given(st.floats(0, 1))
def test_an_engine_that_tells_no_probabilities_keeps_its_own(probability: float) -> None:
    """PaddleOCR's modules tell the mean probability alone: that is then the confidence."""
    assert line_confidence(Reading("abc", probability)) == probability
