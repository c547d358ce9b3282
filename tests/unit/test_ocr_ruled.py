"""Tables from the rulings drawn on a page, and from nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.geometry import Image, Polygons
from pipeline.ocr.level import level_page
from pipeline.ocr.ruled import RuledTable, ruled
from pipeline.ocr.rulings import rulings_of
from pipeline.ocr.tables.frame import frame_of, slope_of
from tests.unit.table_answers import Box, quads

PITCH, WIDTH, HIGH = 40, 110, 24
"""Pixels: height of a row, width of a column, height of a line of text."""

Place = tuple[int, int, int, int]
"""Row, column, row span, column span."""


def sheet(width: int = 700, height: int = 520) -> Image:
    return np.full((height, width, 3), 250, np.uint8)


def box_of(place: Place, left: int = 60, top: int = 60) -> Box:
    row, column, row_span, column_span = place
    x, y = left + WIDTH * column, top + PITCH * row
    return x, y, x + WIDTH * column_span, y + PITCH * row_span


def draw(page: Image, place: Place) -> None:
    x0, y0, x1, y1 = map(int, box_of(place))
    cv2.rectangle(page, (x0, y0), (x1, y1), (40, 40, 40), 2)


def text_of(place: Place) -> Box:
    x0, y0, x1, y1 = box_of(place)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return x - 40, y - HIGH / 2, x + 40, y + HIGH / 2


def write(page: Image, box: Box) -> None:
    """Strokes as letters have them, at both heights where most do."""
    x0, y0, x1, y1 = map(int, box)
    for x in range(x0, x1 - 8, 10):
        cv2.rectangle(page, (x, y0 + 6), (x + 7, y1 - 6), (30, 30, 30), 1)


def table(places: list[Place], *, blank: tuple[Place, ...] = ()) -> tuple[Image, Polygons]:
    page, lines = sheet(), [text_of(place) for place in places if place not in blank]
    for place in places:
        draw(page, place)
    for line in lines:
        write(page, line)
    return page, quads(lines)


def tilted(page: Image, lines: Polygons, degrees: float) -> tuple[Image, Polygons]:
    """Turned anticlockwise; boxes stay upright, as a detector may give them."""
    turn = cv2.getRotationMatrix2D((page.shape[1] / 2, page.shape[0] / 2), degrees, 1.0)
    shown = cv2.warpAffine(page, turn, page.shape[1::-1], borderValue=(250, 250, 250))
    middles = lines.mean(axis=1, keepdims=True)
    moved = middles @ turn[:, :2].T + turn[:, 2]
    return np.asarray(shown, np.uint8), (lines - middles + moved).astype(np.float32)


def grid(rows: int, columns: int) -> list[Place]:
    return [(row, column, 1, 1) for row in range(rows) for column in range(columns)]


def closed(page: Image, lines: Polygons) -> RuledTable | None:
    """The table of the rulings that reach farthest."""
    level = level_page(page, lines)
    tables = (ruled(network, level) for network in rulings_of(level).networks)
    return next((table for table in tables if table is not None), None)


def found(page: Image, lines: Polygons) -> list[Place] | None:
    answer = closed(page, lines)
    return None if answer is None else [(row, column, *spans) for row, column, *spans in answer.cells.tolist()]


SPANS = [(0, 0, 2, 1), (0, 1, 1, 2), (1, 1, 1, 1), (1, 2, 1, 1), (2, 0, 1, 1), (2, 1, 2, 2), (3, 0, 1, 1)]


@st.composite
def tilings(draw: st.DrawFn) -> list[Place]:
    """Rows and columns of which two neighbouring places or a block are one cell; each still has a cell of its own."""
    rows, columns = draw(st.integers(3, 8)), draw(st.integers(3, 5))
    row, column = draw(st.integers(0, rows - 2)), draw(st.integers(0, columns - 2))
    down, across = draw(st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 2)]))
    merged = {(row + i, column + j) for i in range(down) for j in range(across)}
    alone = [(r, c, 1, 1) for r, c, _, _ in grid(rows, columns) if (r, c) not in merged]
    return sorted([*alone, (row, column, down, across)])


@given(tilings(), st.sampled_from([-2.0, -0.5, 0.0, 0.5, 2.0]), st.integers(0, 8))
def test_what_rules_enclose_are_the_cells(places: list[Place], degrees: float, noise: int) -> None:
    """Whatever cells are drawn, straight or askew, on clean paper or a scan: these are found, where they are."""
    page, lines = tilted(*table(places), degrees)
    page = np.clip(page + np.random.default_rng(1).normal(0, noise, page.shape), 0, 255).astype(np.uint8)
    answer = closed(page, lines)
    assert answer is not None
    assert found(page, lines) == places
    np.testing.assert_allclose(answer.corners.mean(axis=1), lines.mean(axis=1), atol=6)


@pytest.mark.parametrize("side", ["left", "right", "top"])
def test_a_table_may_be_open_at_a_side(side: str) -> None:
    """Where a border isn't drawn, the rules that reach there, or the one above all, end the table."""
    page, lines = table(grid(4, 3))
    x0, y0, x1, _ = map(int, box_of((0, 0, 4, 3)))
    blank = {"left": (x0 - 3, y0, 6), "right": (x1 - 3, y0, 6), "top": (x0 - 3, y0, x1 - x0 + 6)}[side]
    x, y, width = blank
    if side == "top":
        page[y + 3 : y + PITCH - 3, x0 - 2 : x0 + 3] = page[y + 3 : y + PITCH - 3, x1 - 2 : x1 + 3] = 250
    else:
        for row in range(4):
            page[y + row * PITCH + 2 : y + (row + 1) * PITCH - 1, x : x + width] = 250
    assert found(page, lines) == grid(4, 3)


def test_a_table_in_a_cell_is_text_of_that_cell() -> None:
    """Rules that touch none of the outer ones, however close, are no walls; where they lie is told."""
    places = [(0, 0, 1, 1), (0, 1, 1, 3), (1, 0, 3, 1), (1, 1, 3, 3)]
    page, lines = table(places)
    for x in (178, 280, 360):
        cv2.line(page, (x, 108), (x, 205), (40, 40, 40), 2)
    for y in (108, 160, 205):
        cv2.line(page, (178, y), (360, y), (40, 40, 40), 2)
    assert [place[2:] for place in found(page, lines) or []] == [(1, 1), (1, 1), (1, 1), (1, 1)]
    answer = closed(page, lines)
    assert answer is not None
    np.testing.assert_allclose(answer.inner, quads([(178, 108, 360, 205)]), atol=6)
    ((alone, alone_lines), (underlined, underlined_lines)) = table(grid(3, 3)), table(grid(3, 3))
    cv2.line(underlined, (80, 132), (140, 132), (40, 40, 40), 2)
    for image, text in ((alone, alone_lines), (underlined, underlined_lines)):
        whole = closed(image, text)
        assert whole is not None
        assert not len(whole.inner)


@pytest.mark.parametrize(
    "strokes",
    [
        [(396, 70, 396, 140), (443, 70, 443, 140), (394, 70, 445, 70), (394, 140, 445, 140)],
        [(80, 8, 80, 46), (150, 8, 150, 46), (80, 8, 150, 8), (80, 46, 150, 46)],
        [(190, 115, 190, 165), (190, 165, 300, 165)],
        [(190, 120, 300, 120), (190, 140, 300, 140), (190, 160, 300, 160), (190, 120, 190, 160)],
    ],
    ids=["a table beside", "a table above", "a corner", "a comb"],
)
def test_what_goes_around_no_text_of_a_cell_is_no_table_in_it(strokes: list[tuple[int, int, int, int]]) -> None:
    """Neither another table near this one, nor a corner or a comb in one of its cells."""
    blank = (1, 1, 2, 2)
    page, lines = table([*grid(1, 3), (1, 0, 2, 1), blank], blank=(blank,))
    for x0, y0, x1, y1 in strokes:
        cv2.line(page, (x0, y0), (x1, y1), (40, 40, 40), 2)
    answer = closed(page, lines)
    assert answer is not None
    assert not len(answer.inner)


def test_a_blank_cell_over_columns_is_one_only_where_it_is_enclosed() -> None:
    """A corner that is open, with nothing in it, is a place of each column; a box drawn to be filled in is one cell."""
    places = [(0, 0, 1, 2), (0, 2, 1, 1), *grid(4, 3)[3:]]
    page, lines = table(places, blank=((0, 0, 1, 2),))
    assert found(page, lines) == places
    x0, y0, x1, y1 = map(int, box_of((0, 0, 1, 2)))
    page[y0 - 2 : y0 + 3, x0 - 2 : x1 - 2] = page[y0 - 2 : y1 - 2, x0 - 2 : x0 + 3] = 250
    assert found(page, lines) == grid(4, 3)


def test_a_rule_of_something_else_is_no_row() -> None:
    """A rule as wide as the table, close above it, with nothing between them but paper, is not the table's."""
    page, lines = table(grid(4, 3))
    x0, y0, x1, _ = map(int, box_of((0, 0, 4, 3)))
    cv2.line(page, (x0, y0 - 30), (x1, y0 - 30), (40, 40, 40), 2)
    assert found(page, lines) == grid(4, 3)


def no_rules(page: Image) -> None:
    del page


def rows_only(page: Image) -> None:
    for y in (60, 100, 220):
        cv2.line(page, (60, y), (390, y), (40, 40, 40), 2)


def underlines(page: Image) -> None:
    for place in grid(4, 3):
        x0, _, x1, y1 = map(int, text_of(place))
        cv2.line(page, (x0, y1), (x1, y1), (40, 40, 40), 2)


@pytest.mark.parametrize("drawn", [no_rules, rows_only, underlines])
def test_where_rules_close_no_cells_there_is_no_answer(drawn: object) -> None:
    """Text alone, rules of one direction, or lines under words are no cells."""
    page, lines = sheet(), quads([text_of(place) for place in grid(4, 3)])
    for line in lines:
        write(page, (*line[0].tolist(), *line[2].tolist()))
    assert callable(drawn)
    drawn(page)
    assert found(page, lines) is None


def test_underlines_in_cells_part_nothing() -> None:
    """A word that is underlined stays in its cell."""
    page, lines = table(SPANS)
    for place in SPANS:
        x0, _, x1, y1 = map(int, text_of(place))
        cv2.line(page, (x0, y1), (x1, y1), (40, 40, 40), 2)
    assert found(page, lines) == SPANS


def test_whatever_stands_on_a_page_is_no_trouble() -> None:
    """A page of noise, with lines anywhere, has no table."""
    noise = np.random.default_rng(3).integers(0, 255, (90, 120, 3)).astype(np.uint8)
    for boxes in ([(5, 5, 60, 20)], [(-900, -900, -800, -880), (-700, -900, -600, -880)], [(0, 0, 9, 9)] * 4):
        assert found(noise, quads([*boxes])) is None


@given(st.integers(150, 230), st.integers(1, 3), st.integers(3, 7))
def test_pale_and_thin_rulings_close_cells(grey: int, width: int, rows: int) -> None:
    """As pale as 230 of 255 on white, at one pixel as well as at three."""
    page, lines = sheet(), quads([text_of(place) for place in grid(rows, 4)])
    x0, y0, x1, y1 = map(int, box_of((0, 0, rows, 4)))
    for x in range(x0, x1 + 1, WIDTH):
        cv2.line(page, (x, y0), (x, y1), (grey, grey, grey), width)
    for y in range(y0, y1 + 1, PITCH):
        cv2.line(page, (x0, y), (x1, y), (grey, grey, grey), width)
    for line in lines:
        write(page, (*line[0].tolist(), *line[2].tolist()))
    assert found(page, lines) == grid(rows, 4)


@pytest.mark.parametrize("columns", [2, 3, 5])
def test_rulings_between_cells_alone_are_a_grid(columns: int) -> None:
    """A table that is open on all sides ends where its rulings do."""
    page, lines = sheet(), quads([text_of(place) for place in grid(4, columns)])
    x0, y0, x1, y1 = map(int, box_of((0, 0, 4, columns)))
    for x in range(x0 + WIDTH, x1, WIDTH):
        cv2.line(page, (x, y0), (x, y1), (40, 40, 40), 2)
    for y in range(y0 + PITCH, y1, PITCH):
        cv2.line(page, (x0, y), (x1, y), (40, 40, 40), 2)
    for line in lines:
        write(page, (*line[0].tolist(), *line[2].tolist()))
    assert found(page, lines) == grid(4, columns)


def test_rulings_drawn_double_are_one() -> None:
    page, lines = table(grid(4, 3))
    x0, y0, x1, _ = map(int, box_of((0, 0, 4, 3)))
    for y in (y0, y0 + PITCH):
        cv2.line(page, (x0, y + 5), (x1, y + 5), (40, 40, 40), 1)
    assert found(page, lines) == grid(4, 3)


def test_strokes_of_letters_are_no_rulings() -> None:
    """Where rows are as low as their text, strokes that end a pixel or two from the rulings part no cell."""
    page, lines = table(grid(5, 3))
    for place in grid(5, 3)[1::2]:
        x0, y0, _, y1 = map(int, box_of(place))
        cv2.line(page, (x0 + 40, y0 + 5), (x0 + 40, y1 - 5), (40, 40, 40), 3)
    assert found(page, lines) == grid(5, 3)


@given(st.floats(-3, 3), st.integers(2, 9), st.integers(2, 6))
def test_how_askew_rows_are_is_seen(degrees: float, rows: int, columns: int) -> None:
    """To a fifth of a degree, from where words stand, though no word's box is tilted; nearly level is level."""
    lines = quads([text_of(place) for place in grid(rows, columns)])
    _, moved = tilted(sheet(), lines, degrees)
    seen = -np.degrees(np.arctan(slope_of(moved)))
    assert abs(seen - degrees) < 0.2 or (seen == 0 and abs(degrees) < 0.4)


def test_boxes_come_back_to_where_they_were() -> None:
    """The frame of a tilted table is level, and leads back to the page."""
    _, lines = tilted(sheet(), quads([text_of(place) for place in grid(5, 4)]), 1.5)
    frame = frame_of(lines)
    assert frame is not None
    boxes = frame.boxes(lines)
    assert np.ptp(boxes.reshape(5, 4, 4)[:, :, 1], axis=1) == pytest.approx(0, abs=0.05)
    back = frame.to_page((boxes[:, :2] + boxes[:, 2:]) / 2)
    np.testing.assert_allclose(back, lines.mean(axis=1), atol=1e-2)


@pytest.mark.parametrize("share", [0.5, 1.0, 2.0, 3.0])
def test_rules_are_seen_at_any_resolution(share: float) -> None:
    """Small print and pages of 600 dpi show the same cells."""
    page, lines = table(grid(8, 5))
    scaled = cv2.resize(page, None, fx=share, fy=share, interpolation=cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC)
    assert found(np.asarray(scaled, np.uint8), lines * np.float32(share)) == grid(8, 5)
