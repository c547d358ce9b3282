"""Which letters and digits of a line its recogniser was not sure of, and what else they may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .alphabet import SIGNS, Alphabet
from .ctc import BLANK, Best, counted

FAINT = 0.02
"""Of what was read, so much of its probability another sign must have to be thought of at all."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One letter or digit of a text, at `place`, read with this probability. `others`: those it may be instead, and
    theirs, the likeliest first; never the same letter in another case."""

    place: int
    probability: float
    others: tuple[tuple[str, float], ...]


def doubts_of(best: Best, signs: NDArray[np.float32], alphabet: Alphabet) -> tuple[Doubt, ...]:
    """Of one line: `best` as it was chosen, each (steps,); `signs`: (steps, 62), the probabilities of all `SIGNS`."""
    return tuple(_doubts(best, signs, alphabet))


def _doubts(best: Best, signs: NDArray[np.float32], alphabet: Alphabet) -> Iterator[Doubt]:
    steps = counted(best[0])
    characters = [alphabet.characters[found] for found in best[0][steps]]
    read, possible = best[1][steps], signs[steps] * (alphabet.signs != BLANK)
    near = possible > FAINT * read[:, None]
    place = 0
    for step, character in enumerate(characters):
        if near[step].any() and len(character) == 1 and character in SIGNS:
            others = [(SIGNS[one], float(possible[step, one])) for one in np.flatnonzero(near[step])]
            others = [(sign, share) for sign, share in others if sign.lower() != character.lower()]
            if others:
                yield Doubt(place, float(read[step]), tuple(sorted(others, key=lambda other: -other[1])))
        place += len(character)
