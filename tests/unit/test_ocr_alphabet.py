"""What the classes of a recogniser's answer stand for."""

from __future__ import annotations

from pipeline.ocr.text.alphabet import SIGNS, Alphabet
from pipeline.ocr.text.ctc import BLANK


def test_the_order_is_paddleocrs() -> None:
    """Blank first, the dictionary in its order, a space last."""
    assert Alphabet.of("xy").characters == ("", "x", "y", " ")


def test_the_blank_is_plain() -> None:
    """No character at all is a choice on every page."""
    assert Alphabet.of("a水").plain.tolist() == [True, True, False, True]


def test_signs_it_has_not_are_no_class_of_their_own() -> None:
    """A recogniser of a few signs has the others' probabilities from none of its characters."""
    alphabet = Alphabet.of("7水Z")
    assert dict(zip(SIGNS, alphabet.signs.tolist(), strict=True)) == dict.fromkeys(SIGNS, BLANK) | {"7": 1, "Z": 3}
