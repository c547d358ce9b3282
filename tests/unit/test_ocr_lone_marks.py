"""Laws of lone marks: a dash or a digit alone in a table's column is found, and one in running text is not."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.geometry import Polygons, no_polygons
from pipeline.ocr.ink import Ink
from pipeline.ocr.lone_marks import LoneMarks, lone_marks
from tests.unit.table_answers import quads

HEIGHT = 18
COLUMNS, ROWS = (200, 400, 600), range(100, 500, 60)
Cell = tuple[int, int]


def table(without: set[Cell]) -> tuple[Polygons, list[tuple[int, int, int, int]]]:
    """Lines of a table of numbers that end at one place, and the ink of their characters; none in the cells named."""
    boxes, ink = [], []
    for row, y in enumerate(ROWS):
        for column, right in enumerate(COLUMNS):
            if (row, column) not in without:
                boxes.append((right - 80, y - 6, right + 4, y + HEIGHT + 6))
                ink += [(right - 16 * n, y, right - 16 * n + 11, y + HEIGHT) for n in range(1, 5)]
    return quads(boxes), ink


def dash_at(row: int, column: int) -> tuple[int, int, int, int]:
    middle = ROWS[row] + HEIGHT // 2
    return COLUMNS[column] - 10, middle - 1, COLUMNS[column] - 2, middle + 2


def found(lines: Polygons, ink: list[tuple[int, int, int, int]], dashes: list[tuple[int, int, int, int]]) -> LoneMarks:
    return lone_marks(Ink(np.array(ink, np.int32).reshape(-1, 4), np.array(dashes, np.int32).reshape(-1, 4)), lines)


CELLS = st.sets(st.tuples(st.integers(0, 6), st.integers(0, 1)), max_size=6)


@given(CELLS)
def test_dashes_in_empty_cells_are_found(cells: set[Cell]) -> None:
    """Each dash is a mark, its box around it and its crop around its box, and nothing else is one."""
    marks = found(*table(cells), [dash_at(*cell) for cell in sorted(cells)])
    assert len(marks.boxes) == len(cells)
    assert marks.is_dash.all()
    assert not marks.instead.any()
    for box, cut, cell in zip(marks.boxes, marks.crops, sorted(cells), strict=True):
        x0, y0, x1, y1 = dash_at(*cell)
        assert (box[0] <= (x0, y0)).all()
        assert (box[2] >= (x1, y1)).all()
        assert (cut[0] <= box[0]).all()
        assert (cut[2] >= box[2]).all()


def test_a_digit_that_was_not_found_is_a_mark() -> None:
    """A character alone in its cell, in no line, is told to be a character."""
    lines, ink = table({(2, 1)})
    marks = found(lines, [*ink, (COLUMNS[1] - 12, ROWS[2], COLUMNS[1] - 1, ROWS[2] + HEIGHT)], [])
    assert marks.is_dash.tolist() == [False]


def test_a_box_around_a_dash_alone_is_replaced() -> None:
    """A detected line that holds one dash and no character gives way to the mark, wherever it stands."""
    lines, ink = table({(2, 1)})
    x0, y0, x1, y1 = dash_at(2, 1)
    tight = quads([(x0 - 4, y0 - 4, x1 + 4, y1 + 4)])
    marks = found(np.concatenate([lines, tight]), ink, [dash_at(2, 1)])
    assert np.flatnonzero(marks.instead).tolist() == [len(lines)]
    assert len(marks.boxes) == 1


def test_dashes_of_running_text_are_no_marks() -> None:
    """Neither a hyphen in a line, nor a rule of dashes, nor a dash beside a line or away from every column is one."""
    lines, ink = table(set())
    hyphen = (lines[0, 0, 0] + 20, lines[0].mean(axis=0)[1] - 1, lines[0, 0, 0] + 28, lines[0].mean(axis=0)[1] + 2)
    separator = [(100 + 14 * n, 560, 108 + 14 * n, 563) for n in range(30)]
    close = (int(lines[0, 1, 0]) + 5, ROWS[0] + 8, int(lines[0, 1, 0]) + 13, ROWS[0] + 11)
    assert len(found(lines, ink, [tuple(map(int, hyphen)), *separator, close]).boxes) == 0
    assert len(found(lines, ink, [(900, ROWS[0] + 8, 908, ROWS[0] + 11)]).boxes) == 0


def test_a_pattern_of_marks_is_left_out() -> None:
    """Hundreds of marks are no nil amounts."""
    lines = quads([(0, 60 * row, 60, 60 * row + 30) for row in range(300)])
    dashes = [(400, 60 * row + 14, 408, 60 * row + 17) for row in range(300)]
    assert len(found(lines, [(10, 6, 21, 24)] * 9, dashes).boxes) == 0


def test_a_blank_page_has_no_marks() -> None:
    """Without ink and lines there is nothing to find."""
    assert len(found(no_polygons(), [], []).boxes) == 0


def test_a_sign_larger_than_the_print_is_no_dash() -> None:
    """Its strokes may look like dashes; the line that holds it stays."""
    lines, ink = table({(2, 1)})
    x0, y0, x1, y1 = dash_at(2, 1)
    large = (x0 - 20, y0 - HEIGHT, x1 + 10, y1 + HEIGHT + 6)
    line = (x0 - 22, y0 - HEIGHT - 2, x1 + 12, y1 + HEIGHT + 8)
    marks = found(np.concatenate([lines, quads([line])]), [*ink, large], [(x0, y0, x1, y1)])
    assert not marks.instead.any()
