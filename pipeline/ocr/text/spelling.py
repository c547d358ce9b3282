"""What the lines of a page say once all are read: one line can't tell a 1 from an l, the rest of its page may.

On a page in plain letters each line is what it says as one of those. A letter that was in doubt there is a digit in an
amount, or alone in a column of numbers; and on a page in English what makes a word of its word. Lines of other pages
stay as they were read.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace

from ..geometry import Polygons
from .amounts import has_amounts, without_letters
from .codes import with_codes
from .dictionary import by_dictionary, english_words, is_english
from .number_format import in_format, number_format_of
from .numbers import numbers_for_letters
from .plain import is_east_asian_page, is_plain_page, with_dashes
from .reading import Reading
from .units import have_flags, with_units

LEGIBLE = 0.7
"""A line that is less sure than this as a whole stays as it was read: what words it may hold is guesswork (figures in
docs/measured.md)."""


def respell(readings: Sequence[Reading], polygons: Polygons) -> list[Reading]:
    """The lines of one page, in their order; `polygons` as the page stands upright."""
    readings = with_codes(_with_units(readings))
    plainly = [reading.plainly for reading in readings]
    texts = [reading.text for reading in plainly]
    if not is_plain_page((reading.text for reading in readings), texts):
        return _in_page_format(_without_east_asian_dashes(readings))
    if not any(reading.doubts for reading in plainly):
        return plainly
    amounts, words = has_amounts(texts), english_words()
    if not is_english(texts, words):
        words = frozenset()
    digits = numbers_for_letters(plainly, polygons)
    spelt = [
        reading.saying(digits.get(place) or _respelt(reading, amounts=amounts, words=words))
        for place, reading in enumerate(plainly)
    ]
    return _in_page_format(spelt)


def _with_units(readings: Sequence[Reading]) -> Sequence[Reading]:
    if not have_flags(reading.ones for reading in readings):
        return readings
    return [reading.saying(with_units(reading.text, reading.ones, reading.doubts)) for reading in readings]


def _without_east_asian_dashes(readings: Sequence[Reading]) -> list[Reading]:
    if is_east_asian_page(reading.text for reading in readings):
        return list(readings)
    return [replace(reading, text=with_dashes(reading.text)) for reading in readings]


def _in_page_format(readings: Sequence[Reading]) -> list[Reading]:
    """Numbers with the separators of the page. Doubts of a reading with a plain one beside it are not its own."""
    page = number_format_of(reading.text for reading in readings)
    if page is None:
        return list(readings)
    return [
        reading.saying(in_format(reading.text, reading.doubts, page)) if reading.plain is None else reading
        for reading in readings
    ]


def _respelt(reading: Reading, *, amounts: bool, words: Set[str]) -> str:
    if reading.mean_probability < LEGIBLE:
        return reading.text
    text = without_letters(reading.text, reading.doubts) if amounts else reading.text
    return by_dictionary(text, reading.doubts, words)
