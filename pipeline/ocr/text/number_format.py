"""How a page writes its numbers, 1,234.56 or 1.234,56, and which of its numbers can't be written so.

In small print a comma looks like a full stop. One line can't tell them apart; the page's other numbers can.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from .doubts import Doubt

ODDS, IMPOSSIBLE_ODDS = 50.0, 1000.0
"""A separator is replaced by the other one unless it was read as this many times likelier; the second in a number of
several separators, which is none in any format: 21.369.74."""

_LEAST_NUMBERS = 5
_LEAST_SHARE = 2 / 3
"""A page has a format where at least 5 numbers tell one, and two thirds of these tell the same."""

_MOST_SEPARATORS = 5
"""Separators of one number: a longer run of digits and separators is no amount."""

_NUMBER = re.compile(r"(?<![\w.,])[0-9][0-9.,]*[0-9](?![\w]|[.,][0-9])", re.ASCII)
_WITH_SEPARATOR = re.compile(r"[.,]")
_DATE = re.compile(r"[0-9]{1,2}([.])[0-9]{1,2}\1[0-9]{2,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """`decimal` parts the places of a number from the rest, `thousands` the thousands: a comma and a full stop."""

    decimal: str

    @property
    def thousands(self) -> str:
        return "," if self.decimal == "." else "."

    def allows(self, number: str) -> bool:
        """Whether a number of digits and separators is written in this format, with two places if any."""
        whole, decimal, places = number.rpartition(self.decimal)
        if not decimal:
            whole = number
        grouped = re.fullmatch(rf"[0-9]{{1,3}}(?:\{self.thousands}[0-9]{{3}})+|[0-9]+", whole, re.ASCII)
        return bool(grouped) and (not decimal or re.fullmatch(r"[0-9]{2}", places, re.ASCII) is not None)


def number_format_of(texts: Iterable[str]) -> NumberFormat | None:
    """The format that most numbers with two places on a page have; None where too few tell, or they differ."""
    numbers = [number for text in texts for number in _NUMBER.findall(text) if len(number) > 3]
    told = {
        one: sum(number[-3] == one.decimal and one.allows(number) for number in numbers)
        for one in (NumberFormat("."), NumberFormat(","))
    }
    best = max(told, key=lambda one: told[one])
    count = sum(told.values())
    return best if told[best] >= _LEAST_NUMBERS and told[best] >= _LEAST_SHARE * count else None


def in_format(text: str, doubts: Sequence[Doubt], page: NumberFormat) -> str:
    """`text` with the separators that its numbers must have in the page's format, where the recogniser held them
    possible. Two separators beside each other are one mark that was read twice: one of them is left out."""
    known = {doubt.place: doubt for doubt in doubts if text[doubt.place] in ".,"}
    return _NUMBER.sub(lambda found: _mended(found[0], found.start(), known, page), text)


def _mended(number: str, start: int, doubts: Mapping[int, Doubt], page: NumberFormat) -> str:
    places = [found.start() for found in _WITH_SEPARATOR.finditer(number)]
    if not 0 < len(places) <= _MOST_SEPARATORS or page.allows(number) or _DATE.fullmatch(number):
        return number
    most = ODDS if len(places) == 1 else IMPOSSIBLE_ODDS
    choices = product(*(_signs(number, place, doubts.get(start + place), most) for place in places))
    mended = [
        (_with_signs(number, places, [sign for sign, _ in choice]), prod(odds for _, odds in choice))
        for choice in choices
    ]
    allowed = [(odds, text) for text, odds in mended if page.allows(text)]
    return max(allowed)[1] if allowed else number


def _signs(number: str, place: int, doubt: Doubt | None, most: float) -> list[tuple[str, float]]:
    """What may stand at a place, and how likely that is beside what was read."""
    own = (number[place], 1.0)
    others = [(sign, share / doubt.probability) for sign, share in doubt.others] if doubt is not None else []
    likely = [(sign, odds) for sign, odds in others if odds * most >= 1]
    beside = number[place - 1] in ".," or number[place + 1] in ".,"
    return [own, *likely, *([("", 1 / ODDS)] if beside else [])]


def _with_signs(number: str, places: Sequence[int], signs: Sequence[str]) -> str:
    parts = list(number)
    for place, sign in zip(places, signs, strict=True):
        parts[place] = sign
    return "".join(parts)
