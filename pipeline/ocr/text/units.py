"""The unit l behind a number: 1.5l is not 1.51. A small l is a bar; a one has a flag, or a foot, or both.

One line can't tell: in some fonts ones are bars. A page can: where no other one is a bar, one that ends a number is l,
if the recogniser held that possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.ocr.glyphs import Glyph

from .doubts import Doubt

_MOST_ASPECT, _LEAST_FILL = 0.2, 0.6
"""A bar is at most 0.2 times as wide as high, and 0.6 of its box is ink. A drawn l is 0.09 to 0.14 times as wide, a one
0.36 and more."""

_BAR_SIGNS = frozenset("lI")

_NUMBER = re.compile(r"(?<!\S)(?:[0-9]+x)?[0-9]+(?:[.,][0-9]+)?(?!\S)", re.ASCII)
_QUANTITY = re.compile(r"(?:[0-9]{1,3}x)?(?:0|[1-9][0-9]{0,3})(?:[.,][0-9]{1,3})?1", re.ASCII)
"""A number read for one with a unit: longer ones, and ones that begin with zeros, are codes."""


@dataclass(frozen=True, slots=True)
class Ones:
    """Of the numbers of a line: how many ones are bars and how many are not, and which numbers end in a bar, of which
    all other ones are no bars."""

    bars: int = 0
    others: int = 0
    ending_in_bar: frozenset[str] = frozenset()

    def __add__(self, other: Ones) -> Ones:
        return Ones(self.bars + other.bars, self.others + other.others, self.ending_in_bar | other.ending_in_bar)


def may_be_unit(word: str) -> bool:
    """Whether a word is a number with a one in it."""
    return "1" in word and _NUMBER.fullmatch(word) is not None


def ones_of(word: str, glyphs: Sequence[Glyph]) -> Ones:
    """`glyphs`: one a character of the word."""
    if not may_be_unit(word):
        return Ones()
    bars = [_is_bar(glyph) for sign, glyph in zip(word, glyphs, strict=True) if sign == "1"]
    if _QUANTITY.fullmatch(word) and bars[-1] and not any(bars[:-1]):
        return Ones(0, len(bars) - 1, frozenset({word}))
    return Ones(sum(bars), len(bars) - sum(bars))


def have_flags(ones: Iterable[Ones]) -> bool:
    """Whether the ones of a page have a flag: none of them is a bar, but for those that end a number."""
    every = list(ones)
    return any(one.others for one in every) and not any(one.bars for one in every)


def with_units(text: str, ones: Ones, doubts: Sequence[Doubt]) -> str:
    """A line of a page whose ones have flags: a bar that ends a number is the unit l, if it may be one."""
    possible = {doubt.place for doubt in doubts if any(sign in _BAR_SIGNS for sign, _ in doubt.others)}

    def with_unit(found: re.Match[str]) -> str:
        is_unit = found[0] in ones.ending_in_bar and found.end() - 1 in possible
        return f"{found[0][:-1]}l" if is_unit else found[0]

    return _NUMBER.sub(with_unit, text)


def _is_bar(glyph: Glyph) -> bool:
    return glyph.width <= _MOST_ASPECT * glyph.height and glyph.fill >= _LEAST_FILL
