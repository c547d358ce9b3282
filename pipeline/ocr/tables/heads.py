"""Which rows head a table, where no network says that any does: names, with numbers below one of them."""

from __future__ import annotations

from collections.abc import Sequence

from .grid import Grid, headed_by_first_row

_COLUMNS = 3
"""Of two columns the first one often names what the second one holds, row by row."""

_LEAST, _SHARE = 3, 0.6
"""A column of numbers has so many, and they are so much of what stands in it."""


def with_head(grid: Grid, said: Sequence[str]) -> Grid:
    """With its first row and those that it reaches into as head. `said`: what each cell says."""
    if grid.head_rows or grid.slots.shape[1] < _COLUMNS:
        return grid
    other = headed_by_first_row(grid)
    above = set(other.slots[: other.head_rows].ravel().tolist())
    named = {cell for cell in above if said[cell]}
    if len(named) < _COLUMNS - 1 or any(_is_number(said[cell]) for cell in named):
        return grid
    return other if any(_heads_numbers(other, said, column) for column in range(grid.slots.shape[1])) else grid


def _heads_numbers(grid: Grid, said: Sequence[str], column: int) -> bool:
    """Whether numbers stand below a name."""
    slots = grid.slots[:, column].tolist()
    below = [said[cell] for cell in dict.fromkeys(slots[grid.head_rows :]) if said[cell]]
    count = sum(map(_is_number, below))
    named = any(said[cell] for cell in slots[: grid.head_rows])
    return named and count >= _LEAST and count >= _SHARE * len(below)


def _is_number(text: str) -> bool:
    """Mostly digits: amounts, dates, codes."""
    return 2 * sum(sign.isdigit() for sign in text) > sum(sign.isalnum() for sign in text)
