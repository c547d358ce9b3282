"""The best class of each step becomes text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.text.alphabet import Alphabet
from pipeline.ocr.text.ctc import BLANK, SPACE, best_among, best_classes, decode, preferred, weigh, weights

SIGNS = "abcé中😀"
CHARACTERS = Alphabet.of(SIGNS).characters


def spell(text: str, stretch: list[int]) -> list[int]:
    """Classes that say `text`: each character over a few steps, a blank between all of them."""
    steps = [BLANK]
    for place, sign in enumerate(text):
        steps += [CHARACTERS.index(sign)] * stretch[place % len(stretch)] + [BLANK]
    return steps


@given(text=st.text(SIGNS + " ", max_size=30), stretch=st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_what_is_spelt_is_read(text: str, stretch: list[int]) -> None:
    """However long each character lasts, doubled characters, spaces and signs of any script are read as spelt."""
    classes = np.array(spell(text, stretch))
    read, confidence = decode((classes, 0.75 * weights(len(CHARACTERS))[classes]), CHARACTERS)
    assert read == text
    assert confidence == (0.75 if text else 0)


def test_a_run_is_one_character() -> None:
    """The same class in neighbouring steps is one character; a blank between makes two."""
    one, a = np.ones(5, np.float32), CHARACTERS.index("a")
    assert decode((np.array([a, a, a, a, a]), one), CHARACTERS)[0] == "a"
    assert decode((np.array([a, a, BLANK, a, a]), one), CHARACTERS)[0] == "aa"


def test_confidence_is_the_mean_over_characters() -> None:
    """Blanks and repeats don't count; each character counts with its first step."""
    a, b = CHARACTERS.index("a"), CHARACTERS.index("b")
    text, confidence = decode((np.array([0, a, a, 0, b]), np.array([1, 0.5, 1, 1, 0.7], np.float32)), CHARACTERS)
    assert text == "ab"
    assert confidence == pytest.approx(0.6)


def test_the_input_is_left_alone() -> None:
    """Decoding writes to neither array."""
    classes, probabilities = np.array([1, 1, 2]), np.ones(3, np.float32)
    classes.flags.writeable = probabilities.flags.writeable = False
    assert decode((classes, probabilities), CHARACTERS)[0] == "ab"


def test_the_best_class_comes_with_its_probability() -> None:
    """Over (steps, classes) or (lines, steps, classes), the largest entry and where it stands."""
    chances = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]], np.float32)
    for stacked in (chances, chances[None]):
        classes, best = best_classes(stacked)
        assert classes.ravel().tolist() == [1, 0]
        assert best.ravel() == pytest.approx([0.7, 0.5])


def test_a_space_counts_more_than_its_probability() -> None:
    """It is taken where it is a little less likely, and its confidence is its probability."""
    chances = np.zeros((2, len(CHARACTERS)), np.float32)
    chances[0, [BLANK, SPACE]] = 0.7, 0.3
    chances[1, [CHARACTERS.index("a"), SPACE]] = 0.9, 0.1
    weigh(weighed := chances.copy())
    assert weighed == pytest.approx(weights(len(CHARACTERS)) * chances)
    assert decode(best_classes(weighed), CHARACTERS) == (" a", pytest.approx(0.6))


def test_the_best_of_some_classes_is_found_without_the_others() -> None:
    """Steps whose best class isn't allowed get the best that is; the best of all stays as it was."""
    chances = np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]], np.float32)
    best = best_classes(chances)
    classes, values = best_among(chances, np.array([True, False, True]), best)
    assert classes.tolist() == [2, 0]
    assert values == pytest.approx([0.2, 0.5])
    assert best[0].tolist() == [1, 0]


def test_the_second_choice_holds_unless_the_first_is_far_likelier() -> None:
    """The odds decide step by step."""
    first = np.array([5, 6]), np.array([0.9, 0.9], np.float32)
    second = np.array([1, 2]), np.array([0.01, 0.008], np.float32)
    assert preferred(first, second, 100)[0].tolist() == [1, 6]
