"""How much of a page's ink its lines account for: the characters in each line against those of its text, and the rest.

A recogniser that does not know a script leaves most of a line out, sure of what little it says. Its confidence does not
show that; the ink does. On pages that are read, a text has 0.73 to 1.7 characters for each one of ink (67 pages of
many scripts); on pages in Cyrillic, Arabic, Korean, Kannada or Tamil, 0 to 0.43.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import Polygons
from .ink import Ink

_LEAST_CHARACTERS = 5
_LEAST_READ = 0.5
"""A line with at least 5 characters of ink is not read if its text has fewer than half of them."""

_LEAST_HEIGHT_SHARE = 0.3
"""Share of its line's height that a character has; dots of a leader have less."""

_APART_WIDTHS = 0.3
"""Components of one character, as an accent and its letter, overlap by more than this share of the narrower width."""

_MANY_CHARACTERS = 12
_UNKNOWN_READ, _UNKNOWN_LINES, _UNKNOWN_CONFIDENCE = 0.5, 0.3, 0.8
"""A page of at least 12 characters of ink is in a script that the recogniser does not know if its text has fewer than
half of them, if 0.3 of its lines are not read, or if the recogniser's mean probability over its ink is below 0.8. Pages
that are read have 0.92 and more (same pages)."""

_MOST_UNKNOWN = 0.3
"""Confidence at most of letters on such a page: they are guesses."""


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """`printed`: (lines,), characters of ink in each line; `written`: (lines,), those of its text. `left_over`:
    characters of ink that stand in lines of text of which none was delivered."""

    printed: NDArray[np.intp]
    written: NDArray[np.intp]
    left_over: int

    @property
    def not_read(self) -> NDArray[np.bool_]:
        """(lines,): which lines lack most of their characters."""
        return np.asarray((self.printed >= _LEAST_CHARACTERS) & (self.written < _LEAST_READ * self.printed))

    @property
    def missing(self) -> int:
        """Characters of ink that no text stands for."""
        return self.left_over + int((self.printed - self.written)[self.not_read].sum())

    @property
    def missing_share(self) -> float:
        return self.missing / max(1, self.left_over + int(self.printed.sum()))

    def is_unknown_script(self, probabilities: Sequence[float]) -> bool:
        """Whether the page's script is none that its recogniser knows; `probabilities`: (lines,), its own means."""
        printed = int(self.printed.sum())
        if printed < _MANY_CHARACTERS:
            return False
        written, unread = int(self.written.sum()), float(self.not_read.mean())
        sure = float(np.average(np.asarray(probabilities, np.float64), weights=self.printed))
        return written < _UNKNOWN_READ * printed or unread >= _UNKNOWN_LINES or sure < _UNKNOWN_CONFIDENCE


def doubted(confidence: float, text: str, *, printed: int, written: int, unknown_script: bool) -> float:
    """A line's confidence, lowered where its text lacks most of its characters, or its letters are in a script that the
    recogniser does not know."""
    if printed >= _LEAST_CHARACTERS and written < _LEAST_READ * printed:
        confidence *= written / printed
    letters = unknown_script and any(map(str.isalpha, text))
    return min(confidence, _MOST_UNKNOWN) if letters else confidence


def coverage(ink: Ink, lines: Polygons, texts: Sequence[str], *, height: int, width: int) -> Coverage:
    """`ink` and `lines` of an upright page of `height` x `width` pixels; `texts` of the lines, blanks not counted."""
    written = np.array([len("".join(text.split())) for text in texts], np.intp)
    owner = ink.owners(lines, height=height, width=width)
    left_over = Ink(ink.boxes[owner < 0])
    return Coverage(_printed(ink.boxes, owner, lines), written, len(_as_print(left_over, ink).in_lines().boxes))


def _as_print(part: Ink, whole: Ink) -> Ink:
    heights = part.boxes[:, 3] - part.boxes[:, 1]
    return Ink(part.boxes[(heights >= 0.5 * whole.height_px) & (heights <= 2 * whole.height_px)])


def _printed(boxes: NDArray[np.int32], owner: NDArray[np.int32], lines: Polygons) -> NDArray[np.intp]:
    """(lines,): characters of ink in each; components above one another are one."""
    extents = np.ptp(lines, axis=1)
    sizes = np.linalg.norm(lines[:, 3] - lines[:, 0], axis=1) if len(lines) else np.zeros(0)
    along = extents[:, 1] > extents[:, 0] if len(lines) else np.zeros(0, bool)
    tall = (boxes[:, 3] - boxes[:, 1]) >= _LEAST_HEIGHT_SHARE * (sizes[owner] if len(lines) else np.inf)
    chosen = (owner >= 0) & tall
    boxes, owner = boxes[chosen], owner[chosen]
    down = along[owner] if len(owner) else np.zeros(0, bool)
    begin = np.where(down, boxes[:, 1], boxes[:, 0]).astype(np.int64)
    end = np.where(down, boxes[:, 3], boxes[:, 2]).astype(np.int64)
    order = np.lexsort((begin, owner))
    begin, end, owner = begin[order], end[order], owner[order]
    offset = owner.astype(np.int64) * (1 << 24)  # lines one after the other, farther apart than any page is long
    reach = np.maximum.accumulate(end + offset) if len(end) else end
    apart = np.ones(len(begin), bool)
    apart[1:] = begin[1:] + offset[1:] > reach[:-1] - _APART_WIDTHS * (end - begin)[1:]
    return np.bincount(owner[apart], minlength=len(lines)).astype(np.intp)
