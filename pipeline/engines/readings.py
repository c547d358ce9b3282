"""A recogniser's best classes to what a line says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.ocr.ctc import Best, decode, preferred
from pipeline.ocr.plain import ODDS

from .base import Reading


def as_reading(best: Best, plain: Best, characters: Sequence[str]) -> Reading:
    """`best` of all classes and of the plain ones, each (steps,)."""
    text, confidence = decode(best, characters)
    chosen = preferred(best, plain, ODDS)
    if np.array_equal(chosen[0], best[0]):
        return Reading(text, confidence)
    return Reading(text, confidence, Reading(*decode(chosen, characters)))
