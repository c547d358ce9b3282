"""One table, from what a network wrote and the lines of the page."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from pipeline.ocr.geometry import Polygons
from pipeline.ocr.tables.structure import Structure
from pipeline.ocr.tables.table import Table, read_table
from tests.unit.table_answers import Box, answers, browser_grid, lines, polygons, quads, structure

several = st.lists(answers(), max_size=3)


def words(number: int) -> list[str]:
    return [f"{index} <&> \x00\x0b\ud800]]>" for index in range(number)]


def printable(text: str) -> str:
    return re.sub("[\x00\x0b\ud800]", "", text)


def seen(table: Table | None) -> object:
    """All of a table that doesn't depend on where it stands."""
    if table is None:
        return None
    cells = [(c.row, c.column, c.row_span, c.column_span, c.header, c.text, c.lines) for c in table.cells]
    return table.row_count, table.column_count, cells, table.html, table.outside, round(table.confidence, 6)


@given(several, st.one_of(lines(), polygons()))
def test_whatever_comes_in_what_comes_out_is_a_table(candidates: list[Structure], boxes: Polygons) -> None:
    """Cells cover each place once, lines are in one place and words in one cell, no corner is nowhere."""
    table = read_table(candidates, boxes, words(len(boxes)))
    if table is None:
        return
    covered = Counter(
        (cell.row + i, cell.column + j)
        for cell in table.cells
        for i in range(cell.row_span)
        for j in range(cell.column_span)
    )
    assert covered == Counter((row, column) for row in range(table.row_count) for column in range(table.column_count))
    placed = [line for cell in table.cells for line in cell.lines]
    assert sorted([*placed, *table.outside]) == list(range(len(boxes)))
    said = sorted(word for cell in table.cells for word in cell.text.split())
    assert said == sorted(word for line in placed for word in words(len(boxes))[line].split())
    assert 0 <= table.confidence <= 1
    for polygon in (table.polygon, *(cell.polygon for cell in table.cells)):
        assert np.isfinite(polygon).all()
        corners = polygon.astype(np.float64)
        (ax, ay), (bx, by) = corners[2] - corners[0], corners[3] - corners[1]
        assert ax * by - ay * bx >= -1e-6 * (1 + np.abs(corners).max()) ** 2  # clockwise, or thin


@given(several, lines())
def test_a_browser_sees_the_same_table(candidates: list[Structure], boxes: Polygons) -> None:
    """HTML is well formed, as XML too, and its cells fall into the same places with the same text."""
    table = read_table(candidates, boxes, words(len(boxes)))
    if table is None:
        return
    ours = {
        (cell.row + i, cell.column + j): (number, printable(cell.text))
        for number, cell in enumerate(table.cells)
        for i in range(cell.row_span)
        for j in range(cell.column_span)
    }
    assert browser_grid(table.html) == ours
    shown = lxml_html.fromstring(table.html)
    assert [cell.text or "" for cell in shown.iter("td", "th")] == [printable(cell.text) for cell in table.cells]
    assert len(shown.findall("thead//th")) == sum(cell.header for cell in table.cells)


@given(several, lines(), st.data())
def test_the_order_of_answers_is_nothing(candidates: list[Structure], boxes: Polygons, data: st.DataObject) -> None:
    """The same answers in another order make the same table."""
    texts = words(len(boxes))
    others = data.draw(st.permutations(candidates))
    assert seen(read_table(others, boxes, texts)) == seen(read_table(candidates, boxes, texts))


@given(several, lines(), st.integers(-300, 300), st.integers(-300, 300), st.sampled_from([0.25, 0.5, 2, 8]))
def test_a_table_is_the_same_wherever_it_stands(
    candidates: list[Structure], boxes: Polygons, right: int, down: int, scale: float
) -> None:
    """Moved or enlarged, with its boxes, a table is the same; its polygons have gone along."""
    texts, shift = words(len(boxes)), np.array([right, down], np.float32)
    moved = [Structure(c.tokens, (c.boxes + shift) * np.float32(scale), c.scores) for c in whole(candidates)]
    here, there = read_table(whole(candidates), boxes, texts), read_table(moved, (boxes + shift) * scale, texts)
    assert seen(there) == seen(here)
    if here is not None and there is not None:
        ours = np.stack([cell.polygon for cell in here.cells])
        theirs = np.stack([cell.polygon for cell in there.cells])
        np.testing.assert_allclose(theirs / scale - shift, ours, atol=1e-2)


def whole(candidates: list[Structure]) -> list[Structure]:
    """With boxes in whole pixels, which can be moved without rounding."""
    with np.errstate(invalid="ignore"):
        return [Structure(c.tokens, np.clip(np.round(c.boxes), -500, 500), c.scores) for c in candidates]


PITCH = 30


def page(rows: int, columns: int) -> list[Box]:
    """Where the text of a table stands: a line 20 pixels high in each cell, row by row."""
    return [(100 * c + 10, PITCH * r + 5, 100 * c + 70, PITCH * r + 25) for r in range(rows) for c in range(columns)]


@pytest.mark.parametrize("drift", [-14, -8, 0, 8, 14])
def test_boxes_half_a_line_off_are_no_matter(drift: float) -> None:
    """When all boxes lie too high or too low, each line still comes into its own cell."""
    text = page(8, 3)
    boxes = [(x0, y0 + drift, x1, y1 + drift) for x0, y0, x1, y1 in text]
    table = read_table([structure([[""] * 3] * 8, boxes)], quads(text), [str(n) for n in range(24)])
    assert table is not None
    assert [cell.lines for cell in table.cells] == [(n,) for n in range(24)]


def test_a_line_in_a_cell_with_spans_is_where_any_of_its_places_is() -> None:
    """Text in the middle of a cell three rows high and two columns wide is that cell's."""
    boxes: list[Box] = [(0, 0, 200, 90), (200, 0, 300, 30), (200, 30, 300, 60), (200, 60, 300, 90)]
    written = structure([[' rowspan="3" colspan="2"', ""], [""], [""], ["", "", ""]], [*boxes, *cells_below()])
    text: list[Box] = [(80, 35, 130, 55), (210, 5, 260, 25), (210, 35, 260, 55), (210, 65, 260, 85), *cells_below()]
    table = read_table([written], quads(text), [str(n) for n in range(7)])
    assert table is not None
    assert [(cell.row_span, cell.column_span, cell.lines) for cell in table.cells[:2]] == [(3, 2, (0,)), (1, 1, (1,))]


def cells_below() -> list[Box]:
    return [(0, 95, 95, 115), (100, 95, 195, 115), (200, 95, 295, 115)]


def test_lines_of_a_cell_are_read_in_order() -> None:
    """Lines one below the other come from the top, lines side by side from the left, and newlines join their text."""
    text: list[Box] = [(10, 30, 90, 48), (60, 5, 95, 23), (10, 5, 55, 23), (110, 18, 190, 36)]
    written = structure([["", ""]], [(0, 0, 100, 50), (100, 0, 200, 50)])
    table = read_table([written], quads(text), ["three", "two", "one", "other"])
    assert table is not None
    assert [cell.text for cell in table.cells] == ["one\ntwo\nthree", "other"]


def test_words_of_a_cell_are_read_in_their_direction() -> None:
    """Two Hebrew words beside each other in a cell are read from the right."""
    boxes: list[Box] = [(10, 5, 90, 25), (10, 35, 45, 55), (50, 35, 90, 55)]
    table = read_table([structure([[""], [""]], [boxes[0], (10, 35, 90, 55)])], quads(boxes), ["כותרת", "שני", "ראשון"])
    assert table is not None
    assert [cell.lines for cell in table.cells] == [(0,), (2, 1)]


@pytest.mark.parametrize("degrees", [-3.0, -1.0, 1.0, 3.0])
def test_a_tilted_table_is_the_same_table(degrees: float) -> None:
    """Pages lie askew by a few degrees: lines are in the same cells, though rows fall by more than their height."""
    boxes = page(8, 6)
    answer = structure([[""] * 6] * 8, boxes)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cos, sin], [-sin, cos]], np.float32)
    tilted = quads(boxes) @ turn
    level, askew = (
        read_table([replace(answer, boxes=lines.copy())], lines, words(48)) for lines in (quads(boxes), tilted)
    )
    assert level is not None
    assert askew is not None
    assert [cell.lines for cell in askew.cells] == [cell.lines for cell in level.cells]
    assert (askew.confidence, askew.outside) == (pytest.approx(level.confidence, abs=1e-6), ())


def test_a_line_far_from_the_grid_is_outside() -> None:
    """A caption that the network took no cell for belongs to none; a total close below the last row belongs to it."""
    caption, near = (10, -100, 200, -80), (10, 95, 70, 115)
    table = read_table([structure([[""] * 3] * 3, page(3, 3))], quads([*page(3, 3), caption, near]), ["x"] * 11)
    assert table is not None
    assert table.outside == (9,)
    assert table.cells[6].lines == (6, 10)


@pytest.mark.parametrize(
    ("rows", "boxes"),
    [
        ([["", ""]] * 3, [(x, 30 * n, x + w, 30 * n + 30) for n in range(3) for x, w in ((0, 90), (100, 190))]),
        ([["", "", ""]] * 4, [*page(3, 3), *((100 * c + 10, 110, 100 * c + 70, 130) for c in range(3))]),
        ([["", "", ""], [""], ["", "", ""]], [*page(1, 3), page(2, 3)[3], *page(3, 3)[6:]]),
    ],
    ids=["two columns taken for one", "an empty row", "a row too short"],
)  # fmt: skip
def test_the_answer_that_contradicts_the_text_loses(rows: list[list[str]], boxes: list[Box]) -> None:
    """However sure the network is, what the lines of the page contradict is not chosen when they bear another out."""
    right, wrong = structure([[""] * 3] * 3, page(3, 3), score=0.95), structure(rows, boxes, score=1.0)
    table = read_table([wrong, right], quads(page(3, 3)), ["x"] * 9)
    alone = [read_table([answer], quads(page(3, 3)), ["x"] * 9) for answer in (wrong, right)]
    assert table is not None
    assert [cell.lines for cell in table.cells] == [(n,) for n in range(9)]
    assert [found is not None and found.confidence > 0.65 for found in alone] == [False, True]


def test_a_long_table_is_read_whole() -> None:
    """200 rows of 10 cells: each cell is there and has its line."""
    text = page(200, 10)
    written = structure([[""] * 10] * 200, [(x0, y0 * 0.998, x1, y1 * 0.998) for x0, y0, x1, y1 in text])
    table = read_table([written] * 4, quads(text), ["x"] * 2000)
    assert table is not None
    assert [cell.lines for cell in table.cells] == [(number,) for number in range(2000)]
