"""O or 0, I or 1 in codes: what their shapes show, where the recogniser held it possible.

In most fonts O is wider than digits, and 0 is as wide as they are. In fonts in which both are as wide, 0 has a dot or a
stroke in its middle. An I without serifs is a bar, a 1 is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from .code_shapes import Shape, code_places
from .doubts import Doubt
from .reading import Reading

_WIDE_WIDTHS, _ALIKE_WIDTHS = 1.18, 1.12
"""A round sign of 1.18 widths of digits or more is O. Round signs that differ by a factor of less than 1.12 are the
same sign. Of 58 drawn fonts, O of those that are not monospaced is 1.15 to 1.5 times as wide as digits, 0 0.92 to 1.12
times (5th to 95th percentile)."""

_MARKED_CORE, _OPEN_CORE = 0.2, 0.1
"""Share of ink in the middle of a round sign, from which on it has a mark there, and up to which it has none. Drawn at
24 pixels an em and more, marked zeros have 0.19 or more, O has 0.1 or less."""

_LEAST_MARKED = 2
"""Marked zeros that tell of others: one may be a speck on a plain zero."""

_LEAST_SHARE, _BAR_SHARE = 0.01, 0.05
"""Share of the probability of the sign read that O or 0 must have, unless two marked zeros stand in its line, and I
where a bar was read as 1. Of 694 drawn ones one gave I more than 0.05, of 26 I read as 1 all but one."""

_UNSETTLED_SHARE, _UNSETTLED_ERRORS = 0.002, 0.1
"""A round sign whose shape shows nothing, and that may be the other one by at least this share of its probability,
counts as a tenth of an error. Of such zeros in drawn codes, where half of the round signs are O, 0.24 to 0.7 are O."""

_OTHER = {"0": "O", "O": "0", "1": "I"}


def with_codes(readings: Sequence[Reading]) -> list[Reading]:
    """The lines of a page with the signs in their codes that their shapes show."""
    every = [shape for reading in readings for shape in _round_signs(reading.plainly)]
    zeros_marked = _LEAST_MARKED <= _marked(every) > len(every) / 2
    return [_with_codes(reading, zeros_marked=zeros_marked) for reading in readings]


def _with_codes(reading: Reading, *, zeros_marked: bool) -> Reading:
    """`zeros_marked`: whether most round signs of the page have a mark, as zeros do in some fonts."""
    plain = None if reading.plain is None else _with_codes(reading.plain, zeros_marked=zeros_marked)
    shares = _shares(reading.text, reading.doubts)
    if not shares:
        return replace(reading, plain=plain)
    shown = _shown(reading, shares, zeros_marked=zeros_marked)
    changed = replace(reading, plain=plain).saying("".join(shown.get(at, one) for at, one in enumerate(reading.text)))
    return changed.expecting(_UNSETTLED_ERRORS * _unsettled(reading.text, shares, shown))


def _unsettled(text: str, shares: Mapping[int, float], shown: Mapping[int, str]) -> int:
    return sum(
        share >= _UNSETTLED_SHARE and place not in shown and text[place] in "0O" for place, share in shares.items()
    )


def _shares(text: str, doubts: Iterable[Doubt]) -> dict[int, float]:
    """Of each sign in a code that may be its look-alike: the share of its probability that the other one has."""
    coded = code_places(text) if doubts else frozenset()
    likely = {doubt.place: (doubt.probability, dict(doubt.others)) for doubt in doubts if doubt.place in coded}
    return {
        place: others[other] / probability
        for place, (probability, others) in likely.items()
        if (other := _OTHER.get(text[place])) in others
    }


def _shown(reading: Reading, shares: Mapping[int, float], *, zeros_marked: bool) -> dict[int, str]:
    """Place -> the sign that its shape shows."""
    line = _round_signs(reading)
    signs = {
        shape.place: _bar(shape, share)
        if reading.text[shape.place] == "1"
        else _round(shape, share, line, zeros_marked=zeros_marked)
        for shape in reading.shapes
        if (share := shares.get(shape.place)) is not None
    }
    return {place: sign for place, sign in signs.items() if sign is not None}


def _bar(shape: Shape, share: float) -> str | None:
    return "I" if shape.bar and share >= _BAR_SHARE else None


def _round(shape: Shape, share: float, line: Sequence[Shape], *, zeros_marked: bool) -> str | None:
    if _is_marked(shape):
        return "0"
    if not _is_open(shape):
        return None
    if _marked(line) >= _LEAST_MARKED:
        return "O"
    if share < _LEAST_SHARE:
        return None
    if zeros_marked or _is_wide(shape, line):
        return "O"
    wider = any(_is_wide(one, line) and one.width >= _ALIKE_WIDTHS * shape.width for one in line)
    return "0" if wider and all(map(_is_open, line)) else None


def _round_signs(reading: Reading) -> list[Shape]:
    return [shape for shape in reading.shapes if reading.text[shape.place] in "0O"]


def _marked(shapes: Iterable[Shape]) -> int:
    return sum(map(_is_marked, shapes))


def _is_marked(shape: Shape) -> bool:
    return shape.core >= _MARKED_CORE


def _is_open(shape: Shape) -> bool:
    return shape.core <= _OPEN_CORE


def _is_wide(shape: Shape, line: Sequence[Shape]) -> bool:
    """Whether it is wider than digits, and than each round sign of the line that is not."""
    narrower = (one.width for one in line if _is_open(one) and one.width < _WIDE_WIDTHS)
    return _is_open(shape) and shape.width >= max(_WIDE_WIDTHS, _ALIKE_WIDTHS * max(narrower, default=0.0))
