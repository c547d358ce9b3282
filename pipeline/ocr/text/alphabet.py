"""What the classes of a recogniser's answer stand for."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ctc import BLANK, weights
from .plain import DASH, EAST_ASIAN_DASHES, is_plain

SEPARATORS = ".,"
SIGNS = string.digits + string.ascii_letters + SEPARATORS
"""The signs whose probability is wanted at every step, likely or not (`doubts` and `confidence`, beside this file)."""

OTHER_CASE = np.array([SIGNS.index(sign.swapcase()) for sign in SIGNS], np.intp)
"""Of each of `SIGNS`; that of a digit or separator is itself."""

ASKED = len(SIGNS) + 1
"""`SIGNS` and the blank."""


@dataclass(frozen=True, slots=True, eq=False)
class Alphabet:
    """`characters`: what each class stands for, the blank for nothing; `lengths`: (classes,), theirs. `plain`:
    (classes,), which of them are plain (`pipeline.ocr.text.plain`). `signs`: (64,), the classes of `SIGNS`, the blank's
    for one it has not; `asked`: (65,), those and the blank. `weights`: (classes,), what their probabilities are
    multiplied with (`pipeline.ocr.text.ctc`); `sign_of`: (classes,), which of `SIGNS` each is, -1 for none; `dash_for`:
    (classes,), the class of the dash for what looks like one, the blank's for others."""

    characters: tuple[str, ...]
    lengths: NDArray[np.int64]
    plain: NDArray[np.bool_]
    signs: NDArray[np.int64]
    asked: NDArray[np.int64]
    weights: NDArray[np.float32]
    sign_of: NDArray[np.int64]
    dash_for: NDArray[np.int64]

    @classmethod
    def of(cls, dictionary: Sequence[str]) -> Alphabet:
        """Blank, the dictionary in its order, and the space PaddleOCR adds last."""
        characters = ("", *dictionary, " ")
        places = {character: place for place, character in enumerate(characters)}
        numbers = {sign: number for number, sign in enumerate(SIGNS)}
        dash = places.get(DASH, BLANK)
        signs = [places.get(sign, BLANK) for sign in SIGNS]
        return cls(
            characters,
            np.array([len(character) for character in characters], np.int64),
            np.array([all(map(is_plain, character)) for character in characters], np.bool_),
            np.array(signs, np.int64),
            np.array([*signs, BLANK], np.int64),
            weights(len(characters)),
            np.array([numbers.get(character, -1) for character in characters], np.int64),
            np.array([dash if one and one in EAST_ASIAN_DASHES else BLANK for one in characters], np.int64),
        )
