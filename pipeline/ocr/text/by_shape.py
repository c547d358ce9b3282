"""What the shapes of a line's characters say beyond the recogniser: raised marks, ones that are bars, O and 0."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pipeline.ocr.geometry import Image
from pipeline.ocr.glyphs import Glyph, glyphs_of

from .code_shapes import may_be_code, shapes_of
from .raised import apart, may_be_marked, with_raised
from .reading import Reading
from .units import Ones, may_be_unit, ones_of

_WORD = re.compile(r"\S+")


def by_shape(reading: Reading, line: Image) -> Reading:
    """`reading` of a level line's crop with its raised marks in superscript signs, and the shapes of its ones and in
    its codes."""
    plain = None if reading.plain is None else by_shape(reading.plain, line)
    words = _WORD.findall(reading.text)
    if not any(may_be_marked(word) or may_be_unit(word) or may_be_code(word) for word in words):
        return _with_text(reading if plain is None else replace(reading, plain=plain), apart(reading.text))
    glyphs = glyphs_of(line, words)
    ones = sum((ones_of(word, one) for word, one in zip(words, glyphs, strict=True) if one is not None), Ones())
    measured = replace(reading, plain=plain, ones=ones, shapes=shapes_of(reading.text, glyphs))
    return _with_text(measured, apart(_with_raised(reading.text, glyphs)))


def _with_text(reading: Reading, text: str) -> Reading:
    if text == reading.text:
        return reading
    places = _places(reading.text, text)
    doubts = (replace(doubt, place=places[doubt.place]) for doubt in reading.doubts if doubt.place in places)
    shapes = (replace(shape, place=places[shape.place]) for shape in reading.shapes if shape.place in places)
    return replace(reading, text=text, doubts=tuple(doubts), shapes=tuple(shapes))


def _with_raised(text: str, shapes: Sequence[tuple[Glyph, ...] | None]) -> str:
    of_word = iter(shapes)

    def marked(word: re.Match[str]) -> str:
        glyphs = next(of_word)
        return word[0] if glyphs is None else with_raised(word[0], glyphs)

    return _WORD.sub(marked, text)


def _places(before: str, after: str) -> dict[int, int]:
    """Where the signs that are still there stand now: blanks were put in, and signs raised."""
    places: dict[int, int] = {}
    new = 0
    for old, sign in enumerate(before):
        if after[new] == " " != sign:
            new += 1
        if after[new] == sign:
            places[old] = new
        new += 1
    return places
