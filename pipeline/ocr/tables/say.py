"""What each cell says: the text of its lines, or its share of a line that was found over several cells at once."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from pipeline.ocr.reading_frame import runs_leftwards

from .bands import Bands
from .fill import Filling
from .grid import Grid, Indices
from .text import Boxes, columns_over

_NEAR = 1.0
"""Heights of a line, about two letters, that a space may be away from the border between two columns: letters are not
all as wide."""


def texts_of(
    grid: Grid, filling: Filling, members: Sequence[Sequence[int]], *, lines: Boxes, texts: Sequence[str]
) -> list[str]:
    """For each cell. `members`: its lines in order; `lines` and `texts` are indexed by them."""
    said: list[list[str]] = [[] for _ in members]
    full = np.array([len(found) > 0 for found in members])
    for cell, found in enumerate(members):
        for line in found:
            cells = _beneath(grid, filling.columns, full, cell=cell, line=lines[line])
            middles = [_border(filling.columns, grid.places[left, 1]) for left in cells[:-1]]
            parts = _shares(texts[line], lines[line, 0], lines[line, 2], middles)
            for owner, part in zip(cells if len(parts) > 1 else [cell], parts, strict=True):
                said[owner].append(part)
    return ["\n".join(parts) for parts in said]


def _beneath(grid: Grid, columns: Bands, full: Indices, *, cell: int, line: Boxes) -> list[int]:
    """The cells of one row, from left to right, that a line runs over: its own and empty ones beside it.

    Its own alone where nothing else is in the row: a heading may run on over empty cells.
    """
    row, _, row_span, column_span = grid.places[cell].tolist()
    over = np.flatnonzero(columns_over(columns, line[None])[0])
    cells = grid.slots[row, over].tolist()
    free = [other for other in cells if other != cell]
    others = set(grid.slots[row].tolist()) - {cell, *free}
    low = all(grid.places[other, 2:].tolist() == [1, 1] for other in cells)
    if cell not in cells or not low or row_span * column_span > 1 or full[free].any() or not full[list(others)].any():
        return [cell]
    return cells if np.ptp(over) == len(over) - 1 else [cell]


def _border(columns: Bands, left: int) -> float:
    return float(columns[left, 1] + columns[left + 1, 0]) / 2


def _shares(text: str, left: float, right: float, borders: Sequence[float]) -> list[str]:
    """What stands between the borders, from left to right; what is read leftwards begins at the right."""
    if not runs_leftwards([text]):
        return split(text, left, right, borders)
    return split(text, -right, -left, [-border for border in reversed(borders)])[::-1]


def split(text: str, start: float, end: float, borders: Sequence[float]) -> list[str]:
    """A text that reaches from `start` to `end`, at the spaces nearest to the borders; whole where one has none."""
    spaces = [match.span() for match in re.finditer(r"\s+", text)]
    places = np.array([start + (end - start) * (a + b) / 2 / len(text) for a, b in spaces])
    parts, begun = [], 0
    for border in borders:
        if not len(places) or np.abs(places - border).min() > _NEAR:
            return [text]
        a, b = spaces[int(np.abs(places - border).argmin())]
        parts.append(text[begun:a])
        begun = b
    parts.append(text[begun:])
    return parts if all(parts) else [text]
