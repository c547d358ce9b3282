"""A network's tokens become a grid, whatever they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from pipeline.ocr.tables.grid import MOST_COLUMNS, MOST_ROWS, Grid, read_grid
from tests.unit.table_answers import tokens


def grid_of(html: str) -> Grid:
    found = read_grid(html.replace("<", " <").split(" "))
    assert found is not None
    return found


@given(tokens)
def test_cells_cover_each_place_once(written: list[str]) -> None:
    """However tokens are mixed, cells lie inside the grid, none upon another, and no place is left open."""
    grid = read_grid(written)
    if grid is None:
        return
    covered = np.zeros_like(grid.slots)
    for number, (row, column, row_span, column_span) in enumerate(grid.places.tolist()):
        assert row_span >= 1
        assert column_span >= 1
        assert (grid.slots[row : row + row_span, column : column + column_span] == number).all()
        assert (row < grid.head_rows) == (row + row_span <= grid.head_rows)
        covered[row : row + row_span, column : column + column_span] += 1
    assert (covered == 1).all()
    assert grid.places[:, :2].tolist() == sorted(grid.places[:, :2].tolist())
    assert grid.slots.shape[0] <= MOST_ROWS
    assert grid.slots.shape[1] <= MOST_COLUMNS


@given(tokens)
def test_each_named_cell_is_there_once(written: list[str]) -> None:
    """A repair moves and cuts cells; it never drops or doubles one that the tokens name."""
    grid = read_grid(written)
    named = [token for token in written if token.startswith(("<td", "<th")) and not token.startswith("<thead")]
    if grid is not None:
        assert sorted(grid.sources[grid.sources >= 0].tolist()) == list(range(len(named)))


@pytest.mark.parametrize(
    ("html", "slots", "head_rows"),
    [
        ("<tr><td></td><td></td></tr><tr><td></td></tr>", [[0, 1], [2, 3]], 0),  # a row too short
        ("<tr><td colspan=500></td></tr><tr><td></td><td></td></tr>", [[0, 0], [1, 2]], 0),  # wider than any row
        ("<tr><td rowspan=9></td><td></td></tr><tr><td></td></tr>", [[0, 1], [0, 2]], 0),  # lower than the table
        ("<tr><td></td><td rowspan=2></td></tr><tr><td colspan=2></td></tr>", [[0, 1], [2, 1]], 0),  # one upon another
        ("<tr></tr><tr><td rowspan=2></td></tr><tr></tr>", [[0]], 0),  # rows without cells
        ("<td></td><td></td>", [[0, 1]], 0),  # no row opened
        ("<thead><tr><td></td></tr></thead><tbody><tr><td></td></tr>", [[0], [1]], 1),
        ("<thead><tr><td rowspan=2></td><td></td></tr></thead><tr><td></td></tr><tr><td></td><td></td></tr>",
         [[0, 1], [0, 2], [3, 4]], 2),  # the head is as low as its cells
        ("<thead><tr><td></td></tr><tr><td></td></tr>", [[0], [1]], 0),  # all head is no head
        ("<tr><td></td></tr><thead><tr><td></td></tr></thead>", [[0], [1]], 0),  # a head stands at the top
    ],
)  # fmt: skip
def test_repairs(html: str, slots: list[list[int]], head_rows: int) -> None:
    """Each kind of nonsense has its repair."""
    grid = grid_of(html)
    assert grid.slots.tolist() == slots
    assert grid.head_rows == head_rows


@pytest.mark.parametrize(
    "written",
    [
        [],
        ["<tr>", "</tr>"],
        ["<tr>", *["<td></td>"] * (MOST_COLUMNS + 1), "</tr>"],
        ["<tr>", "<td></td>", "</tr>"] * (MOST_ROWS + 1),
        ["<tr>", *["<td></td>"] * 100_000],
        ["<tr>"] * 100_000 + ["<td></td>"],
    ],
    ids=["nothing", "no cell", "wide", "long", "endless row", "endless rows"],
)
def test_what_no_network_can_have_seen_is_no_grid(written: list[str]) -> None:
    """No cell, or more rows or columns than a network's picture has room for: rejected."""
    assert read_grid(written) is None
