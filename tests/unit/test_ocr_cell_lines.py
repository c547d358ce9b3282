"""Lines of a page are cut at the rulings they cross, and cells with ink and no line get one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.geometry import Image, Polygons
from pipeline.ocr.ruled_page import RuledPage, ruled_page
from tests.unit.table_answers import Box, quads
from tests.unit.test_ocr_ruled import Place, box_of, draw, grid, sheet, table, text_of, tilted, write


def boxes(lines: Polygons) -> list[Box]:
    return [(*low, *high) for low, high in zip(lines.min(axis=1).tolist(), lines.max(axis=1).tolist(), strict=True)]


def across(one: Box, other: Box) -> Box:
    """The box that a detector finds where it takes two words for one line."""
    return one[0], min(one[1], other[1]), other[2], max(one[3], other[3])


def parts(page: RuledPage, line: int) -> list[Box]:
    return boxes(page.polygons[page.sources == line])


def is_inside(box: Box, place: Place, room: float = 1.0) -> bool:
    x0, y0, x1, y1 = box_of(place)
    return x0 - room < box[0] and y0 - room < box[1] and box[2] < x1 + room and box[3] < y1 + room


def joined(rows: int, columns: int, row: int, first: int, last: int) -> tuple[Image, Polygons]:
    """A table of which the lines of one row, from column `first` to `last`, were found as one line, the last one."""
    page, lines = table(grid(rows, columns))
    gone = set(range(row * columns + first, row * columns + last + 1))
    kept = [box for number, box in enumerate(boxes(lines)) if number not in gone]
    return page, quads([*kept, across(text_of((row, first, 1, 1)), text_of((row, last, 1, 1)))])


@given(st.data(), st.integers(2, 6), st.integers(2, 5), st.sampled_from([0.0, -0.7, 1.0]))
def test_a_line_is_cut_at_each_ruling_it_crosses(data: st.DataObject, rows: int, columns: int, degrees: float) -> None:
    row, first = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 2))
    last = data.draw(st.integers(first + 1, columns - 1))
    page, lines = joined(rows, columns, row, first, last)
    cut = ruled_page(*tilted(page, lines, degrees)) if degrees else ruled_page(page, lines)
    found = sorted(parts(cut, len(lines) - 1))
    assert len(found) == last - first + 1
    if not degrees:
        assert all(is_inside(box, (row, first + place, 1, 1)) for place, box in enumerate(found))


def test_a_line_within_its_cell_stays_as_it_was_found() -> None:
    page, lines = table(grid(4, 3))
    cut = ruled_page(page, lines)
    np.testing.assert_array_equal(cut.polygons, lines)
    np.testing.assert_array_equal(cut.sources, np.arange(len(lines)))


def test_a_line_that_reaches_over_a_ruling_ends_before_it() -> None:
    """Or the ruling is read as a bar or a bracket."""
    page, lines = table(grid(4, 3))
    x0, y0, x1, y1 = boxes(lines)[4]
    lines[4] = quads([(x0 - 25, y0, x1, y1)])[0]
    [(left, _, right, _)] = parts(ruled_page(page, lines), 4)
    assert box_of((1, 1, 1, 1))[0] + 1 < left <= x0 + 2
    assert right == pytest.approx(x1, abs=0.5)


def test_a_heading_over_columns_is_not_cut() -> None:
    """No ruling is drawn through the cell that it stands in, though one goes on below."""
    places = [(0, 0, 1, 3), *grid(4, 3)[3:]]
    page, lines = sheet(), [(80.0, 68.0, 370.0, 92.0), *map(text_of, places[1:])]
    for place in places:
        draw(page, place)
    for line in lines:
        write(page, line)
    np.testing.assert_array_equal(ruled_page(page, quads(lines)).polygons, quads(lines))


@pytest.mark.parametrize(("width", "high"), [(10, 16), (8, 2), (60, 16)], ids=["a digit", "a dash", "an amount"])
def test_ink_without_a_line_in_a_cell_gets_one(width: int, high: int) -> None:
    """As high as a line is, so that a dash is not shown as large as a digit."""
    blank = (2, 2, 1, 1)
    page, lines = table(grid(4, 3), blank=(blank,))
    x0, y0, x1, y1 = map(int, box_of(blank))
    x, y = (x0 + x1) // 2, (y0 + y1) // 2
    for left in range(x - width // 2, x + width // 2, 12):
        corner = min(left + 8, x + width // 2), y + high // 2
        cv2.rectangle(page, (left, y - high // 2), corner, (30, 30, 30), -1 if high < 8 else 2)
    [(left, top, right, bottom)] = parts(ruled_page(page, lines), -1)
    assert left <= x - width / 2 + 1
    assert right >= x + width / 2 - 5
    assert bottom - top >= 18
    assert is_inside((left, top, right, bottom), blank)


def nothing(page: Image, x: int, y: int) -> None:
    del page, x, y


def specks(page: Image, x: int, y: int) -> None:
    for place in (-20, 0, 20):
        page[y + place // 4 : y + place // 4 + 2, x + place : x + place + 2] = 30


def box_to_tick(page: Image, x: int, y: int) -> None:
    cv2.rectangle(page, (x - 9, y - 9), (x + 9, y + 9), (30, 30, 30), 2)


@pytest.mark.parametrize("drawn", [nothing, specks, box_to_tick])
def test_what_is_no_text_gets_no_line(drawn: object) -> None:
    blank = (1, 1, 1, 1)
    page, lines = table(grid(4, 3), blank=(blank,))
    x0, y0, x1, y1 = map(int, box_of(blank))
    assert callable(drawn)
    drawn(page, (x0 + x1) // 2, (y0 + y1) // 2)
    np.testing.assert_array_equal(ruled_page(page, lines).polygons, lines)


def test_a_digit_in_a_narrow_cell_is_upright() -> None:
    """A box higher than wide is taken for text that runs down the page; in a cell it is one sign."""
    page, lines = table(grid(4, 3))
    x0, y0, x1, y1 = boxes(lines)[5]
    page[int(y0) : int(y1), int(x0) : int(x1) + 1] = 250
    write(page, (x0, y0, x0 + 20, y1))
    lines[5] = quads([(x0, y0, x0 + 12, y1)])[0][[1, 2, 3, 0]]
    [corners] = ruled_page(page, lines).polygons[ruled_page(page, lines).sources == 5]
    assert corners[1, 0] > corners[0, 0] + 5
    assert corners[1, 1] == pytest.approx(corners[0, 1], abs=1)


def test_lines_of_a_grid_that_may_be_something_else_are_not_cut() -> None:
    """A row of boxes with a sign each is a number to be filled in, and read as one."""
    page, _ = table(grid(1, 4))
    one = quads([across(text_of((0, 0, 1, 1)), text_of((0, 3, 1, 1))), (60, 300, 300, 324)])
    np.testing.assert_array_equal(ruled_page(page, one).polygons, one)


def test_a_line_across_the_rows_is_a_stamp() -> None:
    page, lines = table(grid(4, 3))
    stamp = cv2.boxPoints(((225, 140), (300, 30), -15)).astype(np.float32)[[1, 2, 3, 0]]
    shown = ruled_page(page, np.concatenate([lines, stamp[None]]))
    np.testing.assert_array_equal(shown.polygons[shown.sources == len(lines)], stamp[None])


def test_what_is_cut_out_of_a_cell_ends_at_its_rulings() -> None:
    """Room around a mark must not take in a ruling; outside of tables there is none to take in."""
    page, lines = table(grid(4, 3))
    x0, y0, _, y1 = box_of((1, 1, 1, 1))
    around = quads([(x0 - 9, y0 + 8, x0 + 30, y1 + 5), (500, 400, 560, 430)])
    drawn = ruled_page(page, lines).between_rulings(around)
    assert is_inside(boxes(drawn)[0], (1, 1, 1, 1), room=-1)
    assert boxes(drawn)[0][2] == pytest.approx(x0 + 30, abs=0.5)
    np.testing.assert_array_equal(drawn[1], around[1])
