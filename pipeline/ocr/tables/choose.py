"""Which way to read a table fits best, and how sure that is.

Rules drawn on the page hold where the text doesn't contradict them, or a network agrees. Of the networks' answers the
one that the text contradicts least; among those the one that most agree upon; among those the one whose network was
surest. An answer that lost its way is none: then lines tell where rows and columns are, though not which cells span.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import exp

import numpy as np

from .grid import Grid
from .reading import Reading

_LOST, _FEW = 0.1, 2
"""Astray, for each row and in all: with more an answer is none. Networks write 500 tokens at most, and lose their way
in tables of 100 rows."""

_RULED = 0.9
_TEXT, _TEXT_SPANS = 0.6, 0.3
"""How far the rules, and where lines stand, vouch for a grid that no network agrees with; lines less where cells span
several. Of 61 drawn tables and 33 others."""

_LEFT = 0.3
"""Confidence of rows and columns of lines alone."""

_ASTRAY = 0.35
"""What each row or column without text, and each line beside the grid, takes from what rules vouch for."""


def choose(answers: Sequence[Reading], *, drawn: Reading | None, text: Reading | None) -> tuple[Reading, float] | None:
    """The best, and how likely its structure is right in every cell, 0 to 1; None where there is neither an answer nor
    a drawing. What vouches for it are the share of the answers that agree, the rules, and where lines stand."""
    readings = [*answers, drawn] if drawn is not None else list(answers)
    if not readings:
        return None
    votes = Counter(_shape(reading.grid) for reading in answers)
    best = drawn if drawn is not None and _holds(drawn, votes) else _best(readings, votes)
    if text is not None and best.astray > max(_FEW, _LOST * len(best.grid.slots)):
        return text, _LEFT
    agreeing = votes[_shape(best.grid)] / max(1, len(answers))
    if best is drawn:
        return best, 1 - (1 - agreeing) * (1 - _RULED * exp(-_ASTRAY * best.astray))
    alike = text is not None and text.grid.slots.shape == best.grid.slots.shape
    vouched = (_TEXT_SPANS if len(best.grid.places) < best.grid.slots.size else _TEXT) if alike else 0.0
    return best, (1 - (1 - agreeing) * (1 - vouched)) * best.probability * exp(-best.contradictions)


def likeliest(answers: Sequence[Reading]) -> Reading | None:
    """Of networks' answers alone."""
    return _best(answers, Counter(_shape(reading.grid) for reading in answers)) if answers else None


_Shape = tuple[tuple[int, ...], bytes]


def _holds(drawn: Reading, votes: Counter[_Shape]) -> bool:
    return not drawn.contradictions or votes[_shape(drawn.grid)] > 0


def _best(readings: Sequence[Reading], votes: Counter[_Shape]) -> Reading:
    def rank(reading: Reading) -> tuple[object, ...]:
        """The last two only make sure that the order of the readings is nothing."""
        places = np.round(np.nan_to_num(reading.boxes, nan=0.0), 6).tolist()
        agreeing = votes[_shape(reading.grid)]
        return reading.contradictions, -agreeing, -reading.probability, reading.tokens, places

    return min(readings, key=rank)


def _shape(grid: Grid) -> _Shape:
    return grid.slots.shape, grid.slots.tobytes()
