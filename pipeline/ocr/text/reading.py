"""What a recogniser says of one line, and how that comes from its classes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .alphabet import Alphabet
from .code_shapes import Shape
from .ctc import BLANK, Best, decode, preferred
from .doubts import Doubt, doubts_of
from .expected_errors import expected_errors
from .plain import ODDS
from .units import Ones


@dataclass(frozen=True, slots=True)
class Reading:
    """What one crop says. `mean_probability`: of the characters kept, 0 to 1; 0 for no text. What is delivered is not
    this but `pipeline.ocr.text.confidence.line_confidence`.

    `plain`: what it says on a page of plain letters (`pipeline.ocr.text.plain`), where that is something else.
    `doubts`: of the text on such a page; an engine that tells no probabilities has none. `expected_errors`: the number
    of characters that were misread, by the recogniser's own probabilities (`pipeline.ocr.text.expected_errors`); the
    same for both texts, for what tells them apart is the page. None where the engine tells no probabilities. `ones`:
    the shapes of its ones, and `shapes` those in its codes, where they were looked at.
    """

    text: str
    mean_probability: float
    plain: Reading | None = None
    doubts: tuple[Doubt, ...] = ()
    expected_errors: float | None = None
    ones: Ones = field(default_factory=Ones)
    shapes: tuple[Shape, ...] = ()

    @property
    def plainly(self) -> Reading:
        """What it says on a page of plain letters."""
        return self.plain or self

    def saying(self, text: str) -> Reading:
        """With `text` instead, signs of it replaced or left out: what speaks for that is the page, or the picture.

        A sign that is changed counts with its own probability, and is in doubt no more. As many errors as before are
        expected: the recogniser has not seen what speaks for the change.
        """
        if text == self.text:
            return self
        if len(text) != len(self.text):  # a separator that was read twice is left out
            return replace(self, text=text, mean_probability=self.mean_probability - 1 / len(self.text), doubts=())
        changed = [doubt for doubt in self.doubts if text[doubt.place] != self.text[doubt.place]]
        lost = sum(doubt.probability - dict(doubt.others).get(text[doubt.place], 0.0) for doubt in changed)
        kept = tuple(doubt for doubt in self.doubts if doubt not in changed)
        return replace(self, text=text, mean_probability=self.mean_probability - lost / len(text), doubts=kept)

    def expecting(self, errors: float) -> Reading:
        """With so many expected errors more, where the engine tells any."""
        return self if self.expected_errors is None else replace(self, expected_errors=self.expected_errors + errors)


def as_reading(best: Best, plain: Best, chances: NDArray[np.float32], alphabet: Alphabet) -> Reading:
    """Of one line: the `best` of all classes and of the plain ones, each (steps,), and the probabilities of letters,
    digits, separators and the blank, (steps, 65) in the order of `alphabet.asked`."""
    text, probability = decode(best, alphabet.characters)
    errors = expected_errors(best, chances, alphabet)
    chosen = preferred(best, _with_dashes(best, plain, alphabet), ODDS)
    doubts = doubts_of(chosen, chances[:, :-1], alphabet)
    if np.array_equal(chosen[0], best[0]):
        return Reading(text, probability, doubts=doubts, expected_errors=errors)
    plainly = Reading(*decode(chosen, alphabet.characters), doubts=doubts, expected_errors=errors)
    return Reading(text, probability, plainly, expected_errors=errors)


def _with_dashes(best: Best, plain: Best, alphabet: Alphabet) -> Best:
    """The plain choice of each step: where the best of all looks like a dash, the dash, as likely as that."""
    dash = alphabet.dash_for[best[0]]
    return np.where(dash != BLANK, dash, plain[0]), np.where(dash != BLANK, best[1], plain[1])
