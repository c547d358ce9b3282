"""What the shapes of a line's characters say beyond the recogniser: raised marks, bars, letters of codes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pipeline.ocr.geometry import Image
from pipeline.ocr.glyphs import Glyph, glyphs_of

from .codes import may_be_code, with_letters_told
from .doubts import Doubt
from .raised import apart, may_be_marked, with_raised
from .reading import Reading
from .units import Ones, may_be_unit, ones_of

_WORD = re.compile(r"\S+")


def by_shape(reading: Reading, line: Image) -> Reading:
    """`reading` of a level line's crop: its raised marks in superscript signs, the letters of its codes told apart, and
    the shapes of its ones."""
    plain = None if reading.plain is None else by_shape(reading.plain, line)
    words = _WORD.findall(reading.text)
    if not any(may_be_marked(word) or may_be_unit(word) or may_be_code(word) for word in words):
        return _with_text(replace(reading, plain=plain), apart(reading.text))
    shapes = list(zip(words, glyphs_of(line, words), strict=True))
    ones = sum((ones_of(word, glyphs) for word, glyphs in shapes if glyphs is not None), Ones())
    text = apart(_told_by_shape(reading.text, [glyphs for _, glyphs in shapes], reading.doubts))
    return _with_text(replace(reading, plain=plain, ones=ones), text)


def _with_text(reading: Reading, text: str) -> Reading:
    return (
        reading
        if text == reading.text
        else replace(reading, text=text, doubts=_moved(reading.doubts, reading.text, text))
    )


def _told_by_shape(text: str, shapes: Sequence[tuple[Glyph, ...] | None], doubts: Sequence[Doubt]) -> str:
    of_word = iter(shapes)
    possible = {doubt.place: frozenset(sign for sign, _ in doubt.others) for doubt in doubts}

    def marked(word: re.Match[str]) -> str:
        glyphs = next(of_word)
        if glyphs is None:
            return word[0]
        if not may_be_code(word[0]):
            return with_raised(word[0], glyphs)
        return with_letters_told(word[0], glyphs, [possible.get(place, frozenset()) for place in range(*word.span())])

    return _WORD.sub(marked, text)


def _moved(doubts: Sequence[Doubt], before: str, after: str) -> tuple[Doubt, ...]:
    """The doubts whose signs are still there, at their new places: blanks were put in, and signs raised."""
    places: dict[int, int] = {}
    new = 0
    for old, sign in enumerate(before):
        if after[new] == " " != sign:
            new += 1
        if after[new] == sign:
            places[old] = new
        new += 1
    return tuple(replace(doubt, place=places[doubt.place]) for doubt in doubts if doubt.place in places)
