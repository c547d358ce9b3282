"""Which letters, digits and separators of a line its recogniser was not sure of, and what else they may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .alphabet import OTHER_CASE, SEPARATORS, SIGNS, Alphabet
from .ctc import BLANK, Best, counted

FAINT, FAINT_BAR, FAINT_SEPARATOR, FAINT_ROUND = 0.02, 0.002, 0.001, 0.0005
"""Share of the probability of what was read that another sign must have to be a doubt. Less is asked where something
else than the recogniser can speak for it: the shape for l and I where 1 was read, and for 0 or O where the other was;
the format of the page's numbers for a separator."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One letter, digit or separator of a text, at `place`, read with this probability. `others`: those it may be
    instead, and theirs, the likeliest first; never the same letter in another case. For a separator it is the other."""

    place: int
    probability: float
    others: tuple[tuple[str, float], ...]

    def digit(self, odds: float) -> str | None:
        """The likeliest digit that it may be, unless what was read is so many times likelier."""
        found = next((other for other in self.others if other[0].isdigit()), None)
        return found[0] if found is not None and found[1] * odds > self.probability else None


def _faint(read: str, other: str) -> float:
    if {read, other} == {"0", "O"}:
        return FAINT_ROUND
    if read == "1" and other in "lI":
        return FAINT_BAR
    return FAINT_SEPARATOR if other in SEPARATORS else FAINT


_FAINT = np.array([[_faint(one, other) for other in SIGNS] for one in SIGNS], np.float32)
"""(64, 64): of one of `SIGNS` that was read, and another."""

_ALIKE = np.array([[(one in SEPARATORS) == (other in SEPARATORS) for other in SIGNS] for one in SIGNS])
"""(64, 64): whether one of `SIGNS` may be mistaken for another."""


def doubts_of(best: Best, signs: NDArray[np.float32], alphabet: Alphabet) -> tuple[Doubt, ...]:
    """Of one line: `best` as it was chosen, each (steps,); `signs`: (steps, 64), the probabilities of all `SIGNS`."""
    steps = counted(best[0])
    classes, read = best[0][steps], best[1][steps]
    own, possible, every = alphabet.sign_of[classes], signs[steps], np.arange(len(steps))
    near = (possible > _FAINT[own] * read[:, None]) & (alphabet.signs != BLANK) & (own >= 0)[:, None]
    near &= _ALIKE[own]
    near[every, own] = near[every, OTHER_CASE[own]] = False
    doubted = np.flatnonzero(near.any(axis=1))
    if not len(doubted):
        return ()
    places = np.cumsum(alphabet.lengths[classes]) - alphabet.lengths[classes]
    return tuple(Doubt(int(places[at]), float(read[at]), _others(near[at], possible[at])) for at in doubted)


def _others(near: NDArray[np.bool_], possible: NDArray[np.float32]) -> tuple[tuple[str, float], ...]:
    likeliest = sorted(np.flatnonzero(near).tolist(), key=lambda sign: -possible[sign])
    return tuple((SIGNS[sign], float(possible[sign])) for sign in likeliest)
