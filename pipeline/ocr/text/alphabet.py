"""What the classes of a recogniser's answer stand for."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ctc import BLANK
from .plain import is_plain

SIGNS = string.digits + string.ascii_letters
"""The signs whose probability is wanted at every step, likely or not (`pipeline.ocr.text.doubts`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Alphabet:
    """`characters`: what each class stands for, the blank for nothing. `plain`: (classes,), which of them are plain
    (`pipeline.ocr.text.plain`). `signs`: (62,), the classes of `SIGNS`, the blank's for one it has not."""

    characters: tuple[str, ...]
    plain: NDArray[np.bool_]
    signs: NDArray[np.int64]

    @classmethod
    def of(cls, dictionary: Sequence[str]) -> Alphabet:
        """Blank, the dictionary in its order, and the space PaddleOCR adds last."""
        characters = ("", *dictionary, " ")
        places = {character: place for place, character in enumerate(characters)}
        return cls(
            characters,
            np.array([all(map(is_plain, character)) for character in characters], np.bool_),
            np.array([places.get(sign, BLANK) for sign in SIGNS], np.int64),
        )
