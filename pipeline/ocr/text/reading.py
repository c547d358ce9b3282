"""What a recogniser says of one line, and how that comes from its classes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .alphabet import Alphabet
from .ctc import BLANK, Best, decode, preferred
from .doubts import Doubt, doubts_of
from .plain import ODDS
from .units import Ones


@dataclass(frozen=True, slots=True)
class Reading:
    """What one crop says. `confidence` is the mean probability of the characters kept, 0 to 1; 0 for no text.

    `plain`: what it says on a page of plain letters (`pipeline.ocr.text.plain`), where that is something else.
    `doubts`: of the text on such a page; an engine that tells no probabilities has none. `ones`: the shapes of
    its ones, where they were looked at.
    """

    text: str
    confidence: float
    plain: Reading | None = None
    doubts: tuple[Doubt, ...] = ()
    ones: Ones = field(default_factory=Ones)

    @property
    def plainly(self) -> Reading:
        """What it says on a page of plain letters."""
        return self.plain or self


def as_reading(best: Best, plain: Best, signs: NDArray[np.float32], alphabet: Alphabet) -> Reading:
    """Of one line: the `best` of all classes and of the plain ones, each (steps,), and the probabilities of letters,
    digits and separators, (steps, 64) in the order of `alphabet.signs`."""
    text, confidence = decode(best, alphabet.characters)
    chosen = preferred(best, _with_dashes(best, plain, alphabet), ODDS)
    doubts = doubts_of(chosen, signs, alphabet)
    if np.array_equal(chosen[0], best[0]):
        return Reading(text, confidence, doubts=doubts)
    return Reading(text, confidence, Reading(*decode(chosen, alphabet.characters), doubts=doubts))


def _with_dashes(best: Best, plain: Best, alphabet: Alphabet) -> Best:
    """The plain choice of each step: where the best of all looks like a dash, the dash, as likely as that."""
    dash = alphabet.dash_for[best[0]]
    return np.where(dash != BLANK, dash, plain[0]), np.where(dash != BLANK, best[1], plain[1])
