"""A grid is mended where the text of the page says how, and nowhere else."""

from __future__ import annotations

import pytest

from pipeline.ocr.tables.table import read_table
from tests.unit.table_answers import Box, quads, structure


def row(top: float, *, lines: int = 1, pitch: float = 24, columns: int = 3) -> list[Box]:
    """The lines of one row's cells: 20 pixels high each, `pitch` from one to the next."""
    return [
        (100 * c + 10, top + pitch * n, 100 * c + 70, top + pitch * n + 20)
        for n in range(lines)
        for c in range(columns)
    ]


def cells(top: float, bottom: float) -> list[Box]:
    return [(100 * c, top, 100 * c + 95, bottom) for c in range(3)]


def members(rows: list[list[str]], boxes: list[Box], text: list[Box]) -> list[tuple[int, ...]]:
    table = read_table([structure(rows, boxes)], quads(text), ["x"] * len(text))
    assert table is not None
    return [cell.lines for cell in table.cells]


def test_rows_read_as_one_are_taken_apart() -> None:
    """Where every cell of a row holds two lines as far apart as the rows around, these are two rows."""
    text = [*row(0), *row(24), *row(48), *row(72)]
    boxes = [*cells(0, 20), *cells(24, 68), *cells(72, 92)]
    assert members([[""] * 3] * 3, boxes, text) == [(n,) for n in range(12)]


def test_a_cell_that_reaches_over_grows_along() -> None:
    """A cell beside two rows read as one is beside both when they are taken apart."""
    text = [*row(0), *row(24), *row(48), *row(72), (310, 40, 370, 60)]
    rows = [["", "", "", ' rowspan="3"'], ["", "", ""], ["", "", ""]]
    boxes = [*cells(0, 20), (300, 0, 400, 92), *cells(24, 68), *cells(72, 92)]
    table = read_table([structure(rows, boxes)], quads(text), ["x"] * 13)
    assert table is not None
    assert [(cell.row, cell.row_span, cell.lines) for cell in table.cells if cell.column == 3] == [(0, 4, (12,))]


@pytest.mark.parametrize(
    "text",
    [
        [*row(0), *row(40, lines=2, pitch=22), *row(102)],
        [*row(0), *row(24), *row(48)[:2], *row(72)],
        [*row(0), *row(24), (10, 36, 70, 56), (110, 36, 170, 56), (210, 60, 270, 80), *row(84)],
    ],
    ids=["closer together than the rows", "one cell has one line", "not on a level"],
)
def test_a_row_of_long_cells_stays_one(text: list[Box]) -> None:
    """Lines of one cell are no rows."""
    top, bottom = text[3][1], text[-4][3]
    boxes = [*cells(0, 20), *cells(top, bottom), *cells(text[-1][1], text[-1][3])]
    assert len(members([[""] * 3] * 3, boxes, text)) == 9


def test_an_empty_cell_over_columns_is_one_each() -> None:
    """Nothing printed is merged across columns; down rows it may be, and a cell with text may be either."""
    text = [(210, 5, 270, 25), (10, 35, 170, 55), *row(65)[1:], *row(95)[1:]]
    rows = [[' colspan="2"', ""], [' colspan="2"', ""], [' rowspan="2"', "", ""], ["", ""]]
    boxes = [(0, 0, 195, 30), (200, 0, 295, 30), (0, 30, 195, 60), (200, 30, 295, 60),
             (0, 60, 95, 120), *cells(60, 90)[1:], *cells(90, 120)[1:]]  # fmt: skip
    table = read_table([structure(rows, boxes)], quads(text), ["x"] * len(text))
    assert table is not None
    spans = [(cell.row, cell.column, cell.row_span, cell.column_span) for cell in table.cells]
    assert spans[:4] == [(0, 0, 1, 1), (0, 1, 1, 1), (0, 2, 1, 1), (1, 0, 1, 2)]
    assert (2, 0, 2, 1) in spans


ENTRIES: list[Box] = [*row(0), *row(30), (110, 60, 190, 80), *row(90)]
"""A head, an entry, a line of text below its second column, and another entry."""

UNCHANGED = [(place, column) for place in range(4) for column in range(3)]


def places(text: list[Box]) -> list[tuple[int, int]]:
    boxes = [box for top in (0, 30, 60, 90) for box in cells(top, top + 28)]
    table = read_table([structure([[""] * 3] * 4, boxes)], quads(text), ["x"] * len(text))
    assert table is not None
    return [(cell.row, cell.column) for cell in table.cells]


def test_an_entry_goes_on_in_the_row_below_it() -> None:
    """Where that row holds text in one column only, and all others begin with a text of their own."""
    boxes = [box for top in (0, 30, 60, 90) for box in cells(top, top + 28)]
    found = members([[""] * 3] * 4, boxes, ENTRIES)
    assert found == [(0,), (1,), (2,), (3,), (4, 6), (5,), (7,), (8,), (9,)]


@pytest.mark.parametrize(
    "text",
    [
        [*row(0), *row(30), (10, 60, 90, 80), *row(90)],
        [*row(0), *row(30), (110, 60, 190, 80), (210, 60, 270, 80), *row(90)],
        [*row(0), *row(30), (110, 60, 190, 80), *row(90)[1:]],
        [*row(0), *row(30)[::2], (110, 60, 190, 80), *row(90)],
    ],
    ids=["a heading in the first column", "two columns", "an entry without a name", "no text above it"],
)
def test_other_rows_do_not_go_on(text: list[Box]) -> None:
    assert places(text) == UNCHANGED
