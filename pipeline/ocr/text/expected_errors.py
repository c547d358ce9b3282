"""How many characters of a line its recogniser expects to have misread, by the probabilities it gave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .alphabet import OTHER_CASE, SIGNS, Alphabet
from .ctc import BLANK, Best

_IS_LETTER = np.array([sign.isalpha() for sign in SIGNS])


def expected_errors(best: Best, chances: NDArray[np.float32], alphabet: Alphabet) -> float:
    """Of one line: `best` as it was chosen, each (steps,); `chances`: (steps, 65), the probabilities of
    `alphabet.asked`.

    The sum, over the characters and the blank steps of the line, of the probability that something else is there. A
    character counts once, at the step that is surest of it. The other case of a letter is no error, for print hardly
    tells some of them apart; nor is a character that lasts longer or shorter than it was read. A blank step beside a
    sign that was not asked for is left out: that sign's probability there is not known.
    """
    classes, blank = best[0], chances[:, -1]
    signs = _in_either_case(chances[:, :-1])
    own = alphabet.sign_of[classes]
    read = np.where(own >= 0, signs[np.arange(len(own)), own], best[1] / alphabet.weights[classes])
    starts = np.flatnonzero(np.diff(classes, prepend=-1))
    characters = np.minimum.reduceat(1 - blank - read, starts)[classes[starts] != BLANK]
    blanks = (1 - blank - _beside(classes, signs, alphabet))[(classes == BLANK) & _is_known_beside(classes, alphabet)]
    return float(np.maximum(characters, 0).sum(dtype=np.float64) + np.maximum(blanks, 0).sum(dtype=np.float64))


def _in_either_case(signs: NDArray[np.float32]) -> NDArray[np.float32]:
    """(steps, 65): the probability of each of `SIGNS`, a letter with that of its other case; 0 in the last column."""
    folded = signs + np.where(_IS_LETTER, signs[:, OTHER_CASE], np.float32(0))
    return np.pad(folded, ((0, 0), (0, 1)))


def _beside(classes: NDArray[np.int64], signs: NDArray[np.float32], alphabet: Alphabet) -> NDArray[np.float32]:
    """(steps,): the probability of the classes read just before and just after each step."""
    steps = np.arange(len(classes))
    before, after = _neighbours(classes)
    once = np.where(before == after, np.float32(0), signs[steps, alphabet.sign_of[after]])
    return np.asarray(signs[steps, alphabet.sign_of[before]] + once, np.float32)


def _is_known_beside(classes: NDArray[np.int64], alphabet: Alphabet) -> NDArray[np.bool_]:
    """(steps,): whether what was read just before and after each step is nothing or one of `SIGNS`."""
    before, after = ((one == BLANK) | (alphabet.sign_of[one] >= 0) for one in _neighbours(classes))
    return np.asarray(before & after)


def _neighbours(classes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.append(BLANK, classes[:-1]), np.append(classes[1:], BLANK)
