"""Shapes of the signs in codes that look like others. A code, such as a serial number, mixes letters and digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.ocr.glyphs import Glyph

_CODE = re.compile(r"(?<![^\W_])[0-9A-Z]+(?:[-/][0-9A-Z]+)*(?![^\W_])", re.ASCII)
_QUANTITY = re.compile(r"[0-9]+[A-Z]+", re.ASCII)
_LEAST_SIGNS = 4
"""Letters and digits of a code. Shorter ones are sizes and grades, and a number with letters behind it has a unit."""

_ROUND, _ONE = "0O", "1"
_DIGITS = "2345689"
"""Digits as wide as 0."""

_LEAST_DIGITS = 2
"""Digits, or round signs where there are fewer, that tell how wide a digit is: one may be badly printed."""

_LEAST_HEIGHT_PX = 10
"""Below it the middle of a sign is one or two pixels."""

_BAR_ASPECT, _BAR_FILL = 0.3, 0.8
"""A bar is at most 0.3 times as wide as high, and 0.8 of its box is ink: the I of bold fonts is 0.27 times as wide. A 1
with a flag is at least 0.31 times as wide, and at most 0.62 of its box is ink."""

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a 0, O or 1 in a code: its `place` in the text; `width`, in widths of the line's digits, 1 where these are not
    known; `core`, the share of ink in its middle; `bar`, whether it is one."""

    place: int
    width: float
    core: float
    bar: bool


def may_be_code(word: str) -> bool:
    """Whether a word holds a code with signs in it that look like others."""
    return any(sign in word for sign in _ROUND + _ONE) and bool(code_places(word))


def code_places(text: str) -> frozenset[int]:
    """Where the characters of codes stand."""
    codes = (found for found in _CODE.finditer(text) if _is_code(found[0]))
    return frozenset(place for code in codes for place in range(*code.span()))


def _is_code(part: str) -> bool:
    mixed = any(map(str.isdigit, part)) and any(map(str.isalpha, part))
    return mixed and sum(map(str.isalnum, part)) >= _LEAST_SIGNS and _QUANTITY.fullmatch(part) is None


def shapes_of(text: str, glyphs: Sequence[Sequence[Glyph] | None]) -> tuple[Shape, ...]:
    """The shapes in a line's codes; `glyphs` of each word, one a character, None where they were not found."""
    coded = code_places(text)
    if not coded:
        return ()
    found = dict(_placed(text, glyphs))
    signs = {place: glyph for place, glyph in found.items() if place in coded and text[place] in _ROUND + _ONE}
    digits = [glyph.width for place, glyph in found.items() if text[place] in _DIGITS]
    unit = _digit_width_px(digits, [glyph.width for place, glyph in signs.items() if text[place] in _ROUND])
    return tuple(
        Shape(place, glyph.width / (unit or glyph.width), glyph.core, _is_bar(glyph))
        for place, glyph in signs.items()
        if glyph.height >= _LEAST_HEIGHT_PX
    )


def _digit_width_px(digits: Sequence[int], round_signs: Sequence[int]) -> float | None:
    """The median width of digits; where there are too few, that of the narrowest round sign."""
    if len(digits) >= _LEAST_DIGITS:
        return float(np.median(digits))
    return float(min(round_signs)) if len(round_signs) >= _LEAST_DIGITS else None


def _placed(text: str, glyphs: Sequence[Sequence[Glyph] | None]) -> Iterator[tuple[int, Glyph]]:
    for word, found in zip(_WORD.finditer(text), glyphs, strict=True):
        yield from enumerate(found or (), word.start())


def _is_bar(glyph: Glyph) -> bool:
    return glyph.width <= _BAR_ASPECT * glyph.height and glyph.fill >= _BAR_FILL
