"""A table ends at its rulings, whatever a layout network says."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline.ocr.drawn_tables import DrawnTable, drawn_tables
from pipeline.ocr.geometry import Image, Polygons
from pipeline.ocr.layout import Region
from pipeline.ocr.ruled_page import ruled_page
from tests.unit.table_answers import Box, quads
from tests.unit.test_ocr_ruled import box_of, draw, grid, sheet, table, tilted, write

ROWS, COLUMNS = 5, 4
TABLE: Box = (60.0, 60.0, 500.0, 260.0)
"""Where the rules of five rows and four columns are."""


def region(x0: float, y0: float, x1: float, y1: float) -> Region:
    return Region("table", (x0, y0, x1, y1), 0.9)


def with_totals() -> tuple[Image, Polygons]:
    """A table, and two lines of totals close below it, in its last columns."""
    page, lines = table(grid(ROWS, COLUMNS))
    totals: list[Box] = [(x, y, x + 80, y + 24) for y in (275, 305) for x in (295, 405)]
    for line in totals:
        write(page, line)
    return page, np.concatenate([lines, quads(totals)])


def drawn_on(page: Image, regions: list[Region], lines: Polygons) -> list[DrawnTable]:
    ruled = ruled_page(page, lines)
    return drawn_tables(ruled, regions, ruled.polygons)


def grid_of(drawn: DrawnTable) -> tuple[int, int]:
    """Rows and columns that rulings close."""
    assert drawn.ruled is not None
    return len(drawn.ruled.ys) - 1, len(drawn.ruled.xs) - 1


def near(box: Box, wanted: Box) -> bool:
    return bool(np.abs(np.array(box) - wanted).max() <= 6)


@pytest.mark.parametrize(
    "said",
    [(55, 55, 505, 335), (55, 55, 505, 230), (150, 110, 505, 265), (40, 40, 520, 290)],
    ids=["with totals", "without its last row", "without a column and a row", "with half of the totals"],
)
def test_a_table_is_as_large_as_its_rules(said: Box) -> None:
    """What is said to be in it beside them stays outside, and what is left out comes in."""
    page, lines = with_totals()
    [drawn] = drawn_on(page, [region(*said)], lines)
    assert near(drawn.region.box, TABLE)
    assert grid_of(drawn) == (ROWS, COLUMNS)


def test_rules_are_followed_to_where_they_end() -> None:
    """However far from the text of a table its border is; not to a larger table beside it."""
    page, lines = table(grid(ROWS, COLUMNS))
    wide = np.full((page.shape[0], 3_000, 3), 250, np.uint8)
    wide[:, : page.shape[1]] = page
    for y in (60, 100, 140, 180, 220, 260):
        cv2.line(wide, (500, y), (1_900, y), (40, 40, 40), 2)
    cv2.line(wide, (1_900, 60), (1_900, 260), (40, 40, 40), 2)
    cv2.rectangle(wide, (1_960, 20), (2_990, 280), (40, 40, 40), 2)
    cv2.line(wide, (2_400, 20), (2_400, 280), (40, 40, 40), 2)
    [drawn] = drawn_on(wide, [region(*TABLE)], lines)
    assert grid_of(drawn) == (ROWS, COLUMNS + 1)
    assert drawn.ruled is not None
    assert drawn.ruled.corners[:, :, 0].max() == pytest.approx(1_900, abs=6)


def test_a_table_that_was_cut_in_two_is_one() -> None:
    """Two regions within the same rules are the surer one, with all of it."""
    page, lines = table(grid(ROWS, COLUMNS))
    upper, lower = region(60, 60, 500, 140), replace(region(60, 140, 500, 260), score=0.8)
    [drawn] = drawn_on(page, [upper, lower], lines)
    assert near(drawn.region.box, TABLE)
    assert grid_of(drawn) == (ROWS, COLUMNS)


@pytest.mark.parametrize("degrees", [-2.0, 2.0])
def test_rules_of_a_tilted_page_are_rules(degrees: float) -> None:
    """The last row comes in on a page that lies askew, too."""
    page, lines = tilted(*table(grid(ROWS, COLUMNS)), degrees)
    [drawn] = drawn_on(page, [region(55, 55, 505, 220)], lines)
    assert drawn.region.box[3] > 250
    assert grid_of(drawn) == (ROWS, COLUMNS)


def test_a_table_that_no_network_sees_is_found() -> None:
    """A complete grid with text in most of its cells is a table; one with text in few of them may be a form or a chart,
    and so may a grid of one row."""
    page, lines = table(grid(ROWS, COLUMNS))
    [drawn] = drawn_on(page, [], lines)
    assert near(drawn.region.box, TABLE)
    assert grid_of(drawn) == (ROWS, COLUMNS)
    blank = table(grid(ROWS, COLUMNS), blank=tuple(grid(ROWS, COLUMNS)[4:]))
    for image, text in (blank, table(grid(1, COLUMNS))):
        assert drawn_on(image, [], text) == []


def test_a_row_without_its_outer_rule_is_not_left_out() -> None:
    """A page cut at the border of its table shows a last row that nothing closes: the region stays as it was."""
    page, lines = table(grid(ROWS, COLUMNS))
    page, said = page[:250].copy(), region(60, 60, 500, 270)
    page[box_cut() :, :] = 250
    for place in grid(ROWS, COLUMNS)[-COLUMNS:]:
        x0, y0, x1, y1 = map(int, box_of(place))
        write(page, ((x0 + x1) / 2 - 40, (y0 + y1) / 2 - 12, (x0 + x1) / 2 + 40, (y0 + y1) / 2 + 12))
    assert [drawn.region for drawn in drawn_on(page, [said], lines)] == [said]


def box_cut() -> int:
    """The first row of pixels below the rule above the last row."""
    return int(box_of((ROWS - 1, 0, 1, 1))[1]) + 3


def test_a_table_without_rules_is_as_it_was_said() -> None:
    """Nor does a box around another part of the page make it another."""
    page, lines = (
        sheet(),
        quads([(100 * c + 10, 40 * r + 300, 100 * c + 80, 40 * r + 324) for r in range(4) for c in range(3)]),
    )
    for place in grid(2, 2):
        draw(page, place)
    said = region(0, 290, 320, 460)
    assert [(drawn.region, drawn.ruled) for drawn in drawn_on(page, [said], lines)] == [(said, None)]
    cv2.rectangle(page, (0, 290), (320, 460), (40, 40, 40), 2)
    assert [drawn.region for drawn in drawn_on(page, [said], lines)] == [said]
