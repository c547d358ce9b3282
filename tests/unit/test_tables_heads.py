"""Heads of tables whose networks say nothing of any."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.ocr.tables.grid import Grid, grid_of
from pipeline.ocr.tables.heads import with_head

HEAD = ["Code", "Article", "Stock"]
BODY = [["A", "Hinge", "3"], ["B", "Washer", "9"], ["C", "Bolt", "15"]]


def grid(rows: int, columns: int, head_rows: int = 0) -> Grid:
    places = np.array([(row, column, 1, 1) for row in range(rows) for column in range(columns)])
    return grid_of(places, np.arange(len(places)), head_rows)


def heads(rows: list[list[str]], head_rows: int = 0) -> int:
    said = [text for row in rows for text in row]
    return with_head(grid(len(rows), len(rows[0]), head_rows), said).head_rows


def test_names_above_numbers_are_a_head() -> None:
    """One may be missing, as above the names of the rows; some numbers may be missing, too."""
    assert heads([HEAD, *BODY]) == 1
    assert heads([["", *HEAD[1:]], *BODY, ["D", "Nut", "-"]]) == 1


@pytest.mark.parametrize(
    "rows",
    [
        BODY,
        [["Code", "Article", "2024"], *BODY],
        [["Code", "Article", ""], *BODY],
        [["", "", "Stock"], *BODY],
        [HEAD, *BODY[:2]],
        [HEAD, *BODY, *[["D", "Nut", "none"]] * 3],
        [HEAD, *[["A", "Hinge", "left"]] * 4],
        [["Name", "Miller"], ["Order", "17"], ["Date", "12.03.2024"], ["Zip", "20457"]],
    ],
    ids=["numbers", "a number", "nameless", "one name", "few", "mixed", "no numbers", "two columns"],
)
def test_other_first_rows_are_none(rows: list[list[str]]) -> None:
    """Rather no head than one that holds what it should head."""
    assert heads(rows) == 0


def test_a_head_that_is_known_stays() -> None:
    """What a network says of it holds."""
    assert heads([HEAD, ["of", "what", "pieces"], *BODY], head_rows=2) == 2


def test_a_head_is_as_high_as_its_cells_reach() -> None:
    """Two rows, where a name stands beside two; none, where numbers stand in the second of these."""
    places = np.array([(0, 0, 2, 1), (0, 1, 1, 2), (1, 1, 1, 1), (1, 2, 1, 1)])
    body = np.array([(row, column, 1, 1) for row in (2, 3, 4) for column in range(3)])
    whole = grid_of(np.concatenate([places, body]), np.arange(13), 0)
    numbers = [text for row in BODY for text in row]
    assert with_head(whole, ["Illness", "Course", "first", "later", *numbers]).head_rows == 2
    assert with_head(whole, ["Illness", "Course", "1", "later", *numbers]).head_rows == 0
