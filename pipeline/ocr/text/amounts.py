"""Amounts that were read with a letter in them: 3.5C among 3.50 and 10.00.

Only where most numbers of a page have two places, and of a token that is an amount but for one letter, which is no
unit: codes, serial numbers and addresses mix letters and digits as they like, and nobody can tell a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from .doubts import Doubt

ODDS = 20.0
"""A letter must be so many times likelier than the best digit to stay in an amount."""

_LETTERED = re.compile(r"(?<![\w.,])[0-9A-Za-z]{1,9}[.,][0-9A-Za-z]{2}(?!\w|[.,]\w)", re.ASCII)
_UNITS = "lLgGmM"
"""Of what is sold by volume, weight or length: 1.5L."""

_PLACES = re.compile(r"[0-9][.,]([0-9]+)(?!\w|[.,][0-9])")


def has_amounts(texts: Iterable[str]) -> bool:
    """Whether at least half of a page's numbers with places have two, as sums of money do."""
    places = [len(found) for text in texts for found in _PLACES.findall(text)]
    return bool(places) and 2 * sum(count == 2 for count in places) >= len(places)


def without_letters(text: str, doubts: Sequence[Doubt]) -> str:
    """`text` with the letters in its amounts made the digits they may be. Its page has amounts."""
    places = set(_letters(text)) if doubts else ()
    signs = list(text)
    for doubt in doubts:
        if doubt.place in places and (digit := doubt.digit(ODDS)) is not None:
            signs[doubt.place] = digit
    return "".join(signs)


def _letters(text: str) -> Iterator[int]:
    """Where the only letter of an amount stands."""
    for found in _LETTERED.finditer(text):
        letters = [place for place in range(*found.span()) if text[place].isalpha()]
        if len(letters) == 1 and found[0][-1] not in _UNITS:
            yield letters[0]
