"""What a recogniser says of one line, and how that comes from its classes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .alphabet import Alphabet
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
    the shapes of its ones, where they were looked at.
    """

    text: str
    mean_probability: float
    plain: Reading | None = None
    doubts: tuple[Doubt, ...] = ()
    expected_errors: float | None = None
    ones: Ones = field(default_factory=Ones)

    @property
    def plainly(self) -> Reading:
        """What it says on a page of plain letters."""
        return self.plain or self


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
