"""Digits among letters and letters among digits that may be the other: what stands beside them decides.

Neither a word nor a number mixes the two without need, and the signs that are mixed up most, 1 and l, 0 and O, 5 and S,
are one of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .doubts import Doubt

ODDS = 20.0
"""A sign must be so many times likelier than the best of the other kind to stay, against its neighbours.

Of 61 receipts, F1 of words is 0.9546 without this, 0.9566 with 20, 0.9563 with 50."""

_IN_A_WORD = re.compile(
    r"""(?<=[A-Za-z]{2}) [0-9] (?! [0-9] | [.,][0-9] )  # Tota1, but not RM10, RM0.50
      | (?<=[A-Za-z])    [0-9] (?= [A-Za-z] )           # J1n
      | (?<![0-9.,])     [0-9] (?= [A-Za-z]{2} )        # 0lio
    """,
    re.VERBOSE,
)

_IN_A_NUMBER = re.compile(
    r"""(?<=[0-9])     [A-Za-z] (?= [0-9] | [.,][0-9] )  # 2O18, 1O.50
      | (?<=[0-9][.,]) [A-Za-z] (?= [0-9] )              # 3.O0
    """,
    re.VERBOSE,
)

_A_CENT = re.compile(r"(?<=[0-9][.,][0-9])[A-Za-z](?!\w|[.,][0-9])")
"""A letter where an amount has its last digit: 3.5C. It may be a unit, too."""

_PLACES = re.compile(r"[0-9][.,]([0-9]+)(?!\w|[.,][0-9])")


def has_amounts(texts: Iterable[str]) -> bool:
    """Whether at least half of a page's numbers with places have two, as sums of money do."""
    places = [len(found) for text in texts for found in _PLACES.findall(text)]
    return bool(places) and 2 * sum(count == 2 for count in places) >= len(places)


def by_neighbours(text: str, doubts: Sequence[Doubt], *, amounts: bool) -> str:
    """`text` with such signs changed. `amounts`: what `has_amounts` says of its page."""
    numbers = [_IN_A_NUMBER, _A_CENT] if amounts else [_IN_A_NUMBER]
    letters = {found.start() for found in _IN_A_WORD.finditer(text)}
    digits = {found.start() for pattern in numbers for found in pattern.finditer(text)}
    signs = list(text)
    for doubt in doubts:
        wanted = str.isalpha if doubt.place in letters else str.isdigit if doubt.place in digits else None
        likeliest = next((other for other in doubt.others if wanted is not None and wanted(other[0])), None)
        if likeliest is not None and likeliest[1] * ODDS > doubt.probability:
            signs[doubt.place] = likeliest[0]
    return "".join(signs)
