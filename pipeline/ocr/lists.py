"""Where among the lines of a text a list begins and ends.

An item begins with a bullet, a number or a letter; what it goes on with begins further in. A bibliography has no more
than that: its entries begin at the edge and go on further in.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from .line_kinds import is_item, is_marker
from .reading_frame import Frame

Part = tuple[bool, int, int]
"""Whether it is a list, and the lines it is: from, up to."""

_ITEMS = 2
_INDENT = 0.5
"""In heights of the line that begins the item."""

_HANGING = 0.4
_HANGING_BY = 0.75
"""Share of a bibliography's lines that don't begin an entry, for most have two lines or more; and how much further in
those begin, in heights of the median line. 0.9 to 2 in those at hand; a column that curls has 0.5."""


def list_parts(frame: Frame, texts: Sequence[str]) -> list[Part]:
    """The lines, which come in reading order, cut where a list begins or ends; one part for all of them where most
    begin an item, however they go on."""
    begun = [is_item(text) for text in texts]
    if sum(begun) >= _ITEMS and 2 * sum(begun) > len(texts):
        return [(True, 0, len(texts))]
    runs = _runs(frame, texts, begun)
    listed = [place >= 0 and _count(begun, runs, place) >= _ITEMS for place in runs]
    return _cut(listed)


def hangs(frame: Frame) -> bool:
    """Whether lines, which come in reading order, are entries of a bibliography: they begin at the edge, go on further
    in, and end early. In a text it is the paragraphs' first lines that are further in."""
    edge, _, _, _ = frame.around()
    inner = frame.left > edge + _HANGING_BY * np.median(frame.height)
    before, goes_on = frame.right[:-1], inner[1:]
    if inner.mean() < _HANGING or (~goes_on).sum() < _ITEMS:
        return False
    return bool(before[~goes_on].mean() < before[goes_on].mean())


def _runs(frame: Frame, texts: Sequence[str], begun: Sequence[bool]) -> list[int]:
    """For each line, the first line of the run of items it is in, or -1."""
    runs: list[int] = []
    item = -1
    for line, begins in enumerate(begun):
        before = runs[-1] if runs else -1
        if begins:
            item = line
            runs.append(before if before >= 0 else line)
        elif before >= 0 and _goes_on(frame, item, line, bare=is_marker(texts[item])):
            runs.append(before)
        else:
            runs.append(-1)
    return runs


def _goes_on(frame: Frame, item: int, line: int, *, bare: bool) -> bool:
    """Beside its item a line goes on only where that is a marker and nothing else: prices stand beside, too."""
    beside = frame.middle[line] < frame.bottom[item]
    return bool(frame.left[line] > frame.left[item] + _INDENT * frame.height[item] and (bare or not beside))


def _count(begun: Sequence[bool], runs: Sequence[int], run: int) -> int:
    return sum(begins for begins, place in zip(begun, runs, strict=True) if place == run)


def _cut(listed: Sequence[bool]) -> list[Part]:
    parts: list[Part] = []
    for kind, lines in groupby(range(len(listed)), key=listed.__getitem__):
        places = list(lines)
        parts.append((kind, places[0], places[-1] + 1))
    return parts
