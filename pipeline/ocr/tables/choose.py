"""Which way to read a table fits best, and how sure that is.

Rulings drawn on the page hold where the text doesn't contradict them, or a network agrees. Of the networks' answers the
one that the text contradicts least; among those the one that most agree upon; among those the one whose network was
surest. An answer that lost its way is none: then lines tell where rows and columns are, though not which cells span.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import exp

import numpy as np

from .grid import Grid
from .witness import Witness

_LOST, _FEW = 0.1, 2
"""Astray, for each row and in all: with more an answer is none. Networks write 500 tokens at most, and lose their way
in tables of 100 rows."""

_RULED = 0.9
_TEXT, _TEXT_SPANS = 0.6, 0.3
"""How far the rulings, and where lines stand, vouch for a grid that no network agrees with; lines less where cells span
several. Of 61 drawn tables and 33 others."""

_LEFT = 0.3
"""Confidence of rows and columns of lines alone."""

_ASTRAY = 0.35
"""What each row or column without text, and each line beside the grid, takes from what rulings vouch for."""


def choose(answers: Sequence[Witness], *, drawn: Witness | None, text: Witness | None) -> tuple[Witness, float] | None:
    """The best, and how likely its structure is right in every cell, 0 to 1; None where there is neither an answer nor
    a drawing. What vouches for it are the share of the answers that agree, the rulings, and where lines stand."""
    witnesses = [*answers, drawn] if drawn is not None else list(answers)
    if not witnesses:
        return None
    votes = Counter(_shape(witness.grid) for witness in answers)
    best = drawn if drawn is not None and _holds(drawn, votes) else _best(witnesses, votes)
    if text is not None and best is not drawn and best.astray > max(_FEW, _LOST * len(best.grid.slots)):
        return text, _LEFT
    agreeing = votes[_shape(best.grid)] / max(1, len(answers))
    if best is drawn:
        return best, 1 - (1 - agreeing) * (1 - _RULED * exp(-_ASTRAY * best.astray))
    alike = text is not None and text.grid.slots.shape == best.grid.slots.shape
    vouched = (_TEXT_SPANS if len(best.grid.places) < best.grid.slots.size else _TEXT) if alike else 0.0
    return best, (1 - (1 - agreeing) * (1 - vouched)) * best.probability * exp(-best.contradictions)


def likeliest(answers: Sequence[Witness]) -> Witness | None:
    """Of networks' answers alone."""
    return _best(answers, Counter(_shape(witness.grid) for witness in answers)) if answers else None


_Shape = tuple[tuple[int, ...], bytes]


def _holds(drawn: Witness, votes: Counter[_Shape]) -> bool:
    return not drawn.contradictions or votes[_shape(drawn.grid)] > 0


def _best(witnesses: Sequence[Witness], votes: Counter[_Shape]) -> Witness:
    def rank(witness: Witness) -> tuple[object, ...]:
        """The last two only make sure that the order of the witnesses is nothing."""
        places = np.round(np.nan_to_num(witness.boxes, nan=0.0), 6).tolist()
        agreeing = votes[_shape(witness.grid)]
        return witness.contradictions, -agreeing, -witness.probability, witness.tokens, places

    return min(witnesses, key=rank)


def _shape(grid: Grid) -> _Shape:
    return grid.slots.shape, grid.slots.tobytes()
