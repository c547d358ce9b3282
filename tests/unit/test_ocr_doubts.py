"""Which signs of a line were in doubt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.text.alphabet import SIGNS, Alphabet
from pipeline.ocr.text.ctc import best_classes
from pipeline.ocr.text.doubts import FAINT, FAINT_BAR, FAINT_ROUND, Doubt
from pipeline.ocr.text.reading import Reading, as_reading

ALPHABET = Alphabet.of([*"1lIoO0aé", "ch", "水"])


def read(*steps: dict[str, float]) -> Reading:
    """A line of such probabilities; "" is the blank."""
    chances = np.zeros((len(steps), len(ALPHABET.characters)), np.float32)
    for row, step in zip(chances, steps, strict=True):
        for character, chance in step.items():
            row[ALPHABET.characters.index(character)] = chance
    plain = best_classes(chances * ALPHABET.plain)
    return as_reading(best_classes(chances), plain, chances[:, ALPHABET.asked], ALPHABET)


def test_a_doubt_names_what_a_sign_may_be_instead() -> None:
    """Letters and digits only, the likeliest first, each with its probability, and where in the text it is."""
    reading = read({"a": 1}, {"1": 0.5, "I": 0.125, "l": 0.25, "水": 0.1}, {"1": 0.4}, {"a": 0.9, "é": 0.1})
    assert reading.text == "a1a"
    assert reading.doubts == (Doubt(1, 0.5, (("l", 0.25), ("I", 0.125))),)


def test_what_is_faint_is_no_doubt() -> None:
    """A sign that is likely enough stays alone, and so does one beside its own other case or the blank."""
    assert read({"a": 0.9, "o": 0.9 * FAINT * 0.99}).doubts == ()
    assert len(read({"a": 0.9, "o": 0.9 * FAINT * 1.01}).doubts) == 1
    assert read({"o": 0.5, "O": 0.4}, {"": 1}, {"1": 0.6, "": 0.4}).doubts == ()


@pytest.mark.parametrize(
    ("sign", "other", "faint"),
    [("1", "l", FAINT_BAR), ("1", "I", FAINT_BAR), ("0", "O", FAINT_ROUND), ("O", "0", FAINT_ROUND)],
)
def test_less_is_asked_of_signs_of_one_shape(sign: str, other: str, faint: float) -> None:
    """Where the shape can speak for a sign, it is in doubt from a far smaller share on."""
    assert read({sign: 0.9, other: 0.9 * faint * 0.99}).doubts == ()
    assert len(read({sign: 0.9, other: 0.9 * faint * 1.01}).doubts) == 1


def test_doubts_are_those_of_the_plain_text() -> None:
    """Where plain letters say something else, its places and its probabilities count."""
    reading = read({"ch": 0.9}, {"é": 0.8, "1": 0.15, "l": 0.05})
    assert (reading.text, reading.plainly.text) == ("ché", "ch1")
    assert reading.plainly.doubts == (Doubt(2, np.float32(0.15), (("l", float(np.float32(0.05))),)),)
    assert reading.doubts == ()


@given(
    st.lists(st.dictionaries(st.sampled_from(ALPHABET.characters), st.floats(0, 1, width=32), min_size=1), max_size=9)
)
def test_places_are_places_of_the_text(steps: list[dict[str, float]]) -> None:
    """Whatever the probabilities are: at the place of a doubt stands a letter or digit, and none of its others."""
    reading = read(*steps).plainly if steps else Reading("", 0)
    for doubt in reading.doubts:
        sign = reading.text[doubt.place]
        assert sign in SIGNS
        assert sign.lower() not in {other.lower() for other, _ in doubt.others}
        assert [share for _, share in doubt.others] == sorted((share for _, share in doubt.others), reverse=True)
