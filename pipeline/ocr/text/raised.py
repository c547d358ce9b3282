"""Raised marks, the small figures and letters of notes behind a word or number: 1,900 with note 1 is not 1,9001.

A mark becomes a word of its own in superscript signs, "1,900 ¹". Behind a unit of length or a single letter it stays,
for there it is a power: "m²", "x²".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from pipeline.ocr.glyphs import Glyph

_ABOVE_HEIGHTS, _SMALLER, _LEAST_HEIGHT = 0.3, 0.8, 0.3
"""A raised mark ends at least 0.3 heights of its word above the line that the word stands on, and is 0.3 to 0.8 times
as high as the word. Drawn marks end 0.63 to 0.74 above it and are 0.55 to 0.63 times as high; other characters of
numbers end at most 0.06 above it."""

_MARKED = re.compile(r"(?P<word>.*[^\W_]|.*[%)\]])(?P<mark>[0-9]{1,2}|[a-z])(?P<after>[.,;:)]?)")
_UNIT = re.compile(r"(?<![^\W\d_])(?:[kdcmµn]?m|ft|in|yd)$|(?<![A-Za-z])[A-Za-z]$")

_DIGITS = dict(zip("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True))
_LETTERS = dict(zip("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True))
_RAISED = _LETTERS | _DIGITS
_SUPERSCRIPT = re.compile(rf"(?<=\S)(?<![{''.join(_RAISED.values())}])[{''.join(_RAISED.values())}]+")


def may_be_marked(word: str) -> bool:
    """Whether a word ends in what may be a raised mark; only then its glyphs are worth looking at."""
    return _MARKED.fullmatch(word) is not None and any(map(str.isdigit, word))


def with_raised(word: str, glyphs: Sequence[Glyph]) -> str:
    """A word whose mark stands raised with the mark in superscript signs; `glyphs`, one a character."""
    found = _MARKED.fullmatch(word)
    if found is None:
        return word
    begin, end = found.span("mark")
    while begin < end and not _is_raised(glyphs[begin:end], glyphs[:begin]):
        begin += 1
    if begin == end:
        return word
    return word[:begin] + "".join(_RAISED.get(sign, sign) for sign in word[begin:end]) + word[end:]


def apart(text: str) -> str:
    """`text` with a blank before each mark in superscript signs that is no power."""
    return _SUPERSCRIPT.sub(lambda mark: mark[0] if _UNIT.search(text[: mark.start()]) else f" {mark[0]}", text)


def _is_raised(mark: Sequence[Glyph], word: Sequence[Glyph]) -> bool:
    height = max(glyph.height for glyph in word)
    line = float(np.median([glyph.bottom for glyph in word if glyph.height >= height / 2]))
    return all(
        line - glyph.bottom >= _ABOVE_HEIGHTS * height and _LEAST_HEIGHT * height <= glyph.height <= _SMALLER * height
        for glyph in mark
    )
