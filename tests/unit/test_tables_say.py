"""A line found over several cells is shared out among them, where it is sure that it is theirs."""

from __future__ import annotations

import pytest

from pipeline.ocr.tables.say import split
from pipeline.ocr.tables.table import Table, read_table
from tests.unit.table_answers import Box, quads, structure

CELLS: list[Box] = [(100 * c + 10, 30 * r + 5, 100 * c + 90, 30 * r + 25) for r in range(3) for c in range(3)]


def read(changed: dict[int, tuple[Box, str] | None]) -> Table:
    """Three rows and columns in which every cell says its number, but for those in `changed`."""
    lines = [changed.get(n, (box, str(n))) for n, box in enumerate(CELLS)]
    kept = [line for line in lines if line is not None]
    table = read_table([structure([[""] * 3] * 3, CELLS)], quads([box for box, _ in kept]), [text for _, text in kept])
    assert table is not None
    return table


def row_of(table: Table, row: int) -> list[str]:
    return [cell.text for cell in table.cells if cell.row == row]


def test_a_line_over_two_cells_is_shared() -> None:
    """Each cell says the words above it; the line itself is in the one that holds most of it."""
    table = read({4: ((110, 35, 290, 55), "1,144 193.5"), 5: None})
    assert row_of(table, 1) == ["3", "1,144", "193.5"]
    assert [cell.lines for cell in table.cells if cell.row == 1] == [(3,), (4,), ()]
    assert "<td>1,144</td><td>193.5</td>" in table.html


def test_what_is_read_leftwards_is_shared_leftwards() -> None:
    """The first word of a Hebrew line stands at its right, so the right cell says it."""
    table = read({4: ((110, 35, 290, 55), "ראשון שני"), 5: None})
    assert row_of(table, 1) == ["3", "שני", "ראשון"]


@pytest.mark.parametrize(
    "changed",
    [
        {4: ((110, 35, 290, 55), "1,144193.5"), 5: None},
        {4: ((110, 35, 290, 55), "1 144,193.55"), 5: None},
        {4: ((110, 35, 290, 55), "1,144 193.5")},
        {4: ((110, 35, 210, 55), "1,144 1"), 5: None},
        {3: None, 4: ((110, 35, 290, 55), "a heading over"), 5: None},
    ],
    ids=["no space", "no space near the border", "a neighbour with text", "hardly over it", "alone in its row"],
)
def test_any_other_line_stays_whole(changed: dict[int, tuple[Box, str] | None]) -> None:
    """Without a space at the border, an empty neighbour, and something else in the row, a line is its own cell's."""
    table = read(changed)
    assert changed[4] is not None
    assert changed[4][1] in row_of(table, 1)


@pytest.mark.parametrize(
    ("text", "borders", "parts"),
    [
        ("ab cd ef", [2.5, 5.5], ["ab", "cd", "ef"]),
        ("ab  cd", [3.0], ["ab", "cd"]),
        ("ab cd", [], ["ab cd"]),
        ("ab cd", [2.4, 2.6], ["ab cd"]),
        (" abcd", [0.5], [" abcd"]),
        ("", [0.5], [""]),
    ],
)
def test_a_text_is_split_at_the_spaces_over_the_borders(text: str, borders: list[float], parts: list[str]) -> None:
    """One part more than borders and none empty, or the whole text."""
    assert split(text, 0.0, float(len(text)), borders) == parts
