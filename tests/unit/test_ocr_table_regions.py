"""A table has all of its columns, whatever a layout network says."""

from __future__ import annotations

import pytest

from pipeline.ocr.layout import Region
from pipeline.ocr.table_regions import table_regions
from tests.unit.table_answers import Box, quads

NUMBERS: list[Box] = [(x, 40 * r, x + 60, 40 * r + 20) for r in range(6) for x in (500, 600, 700)]
SAID = Region("table", (480.0, 0.0, 780.0, 220.0), 0.9)


def region_of(*beside: Box, others: tuple[Region, ...] = ()) -> Region:
    """What becomes of three columns of numbers with that beside them."""
    return table_regions([SAID, *others], quads([*NUMBERS, *beside]))[0]


def test_columns_that_were_left_out_come_in() -> None:
    """What goes on in all rows, to the left or to the right, is of the table."""
    labels: list[Box] = [(100, 40 * r, 340, 40 * r + 20) for r in range(6)]
    notes: list[Box] = [(820, 40 * r, 850, 40 * r + 20) for r in range(6)]
    assert region_of(*labels).box == (100, 0, 780, 220)
    assert region_of(*labels, *notes).box == (100, 0, 850, 220)


@pytest.mark.parametrize(
    "beside",
    [
        [(0, 40 * r, 440, 40 * r + 20) for r in range(6)],
        [(100, 25 * r, 340, 25 * r + 20) for r in range(9)],
        [(100, 40 * r, 340, 40 * r + 20) for r in range(4)],
        [(100, 40 * r + 400, 340, 40 * r + 420) for r in range(6)],
    ],
    ids=["running text", "other rows", "some of the rows", "farther down"],
)
def test_what_stands_beside_a_table_by_chance_stays_outside(beside: list[Box]) -> None:
    """Another column of the page is none of the table's."""
    assert region_of(*beside) == SAID


LABELS: list[Box] = [(x, 40 * r, x + 90, 40 * r + 20) for r in range(6) for x in (100, 240)]


def test_the_columns_of_another_table_stay_there() -> None:
    """Two tables side by side with rows at the same heights are two."""
    other = Region("table", (90.0, 0.0, 350.0, 220.0), 0.8)
    assert table_regions([SAID, other], quads([*NUMBERS, *LABELS])) == [SAID, other]


def test_what_was_taken_for_something_else_stays_that() -> None:
    """A neighbour that the network calls an equation is no running text, so none of the table's columns."""
    other = Region("equation", (90.0, 0.0, 350.0, 220.0), 0.6)
    assert region_of(*LABELS, others=(other,)) == SAID
    assert region_of(*LABELS).box[0] == 100
