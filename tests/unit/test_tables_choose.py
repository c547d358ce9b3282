"""Which reading of a table is taken where there are several, and what is said of how sure that is."""

from __future__ import annotations

import pytest

from pipeline.ocr.geometry import Polygons
from pipeline.ocr.tables.structure import Structure
from pipeline.ocr.tables.table import Table, contradicted, read_table
from tests.unit.table_answers import NOTHING, Box, quads, ruled, structure


def page(rows: int, columns: int, *, pitch: int = 30) -> list[Box]:
    """A line 20 pixels high in each cell, row by row."""
    return [
        (100 * c + 10, pitch * r + 5, 100 * c + 70, pitch * r + 25)  #
        for r in range(rows)
        for c in range(columns)
    ]


def plain(rows: int, columns: int, score: float = 0.99) -> Structure:
    return structure([[""] * columns] * rows, page(rows, columns), score)


def read(answers: list[Structure], text: list[Box], drawn: Structure | None = None, inner: Polygons = NOTHING) -> Table:
    """`drawn`: the cells that rulings close, and `inner` the tables in them."""
    grid = None if drawn is None else ruled(drawn, inner)
    table = read_table(answers, quads(text), [str(n) for n in range(len(text))], ruled=grid)
    assert table is not None
    return table


def size(table: Table) -> tuple[int, int]:
    return table.row_count, table.column_count


SPANNING = structure(
    [[' colspan="2"', ""], ["", "", ""], ["", "", ""]], [(0, 0, 195, 30), (200, 0, 295, 30), *page(3, 3)[3:]]
)
"""Of which the first cell is two columns wide."""

WIDE = structure(
    [["", ""], ["", ""], ["", ""]], [(x0, y, x1, y + 28) for y in (0, 30, 60) for x0, x1 in ((0, 80), (85, 300))]
)
"""Of which the second column is as wide as two of a table of three."""

BESIDE: list[Box] = [(60, 5, 120, 25), *page(3, 3)[2:]]


THREE = [(x0, y, x1, y + 30) for y in (0, 30, 60) for x0, x1 in ((0, 100), (100, 200), (200, 300))]
OPEN = structure([["", "", ""], ["", "", ""], ["", ' colspan="2"']], [*THREE[:7], (100, 60, 300, 90)])
"""Whose rule between the last columns ends above the last row."""


def test_a_cell_of_several_columns_text_is_one_each() -> None:
    """Where rules leave out what stands in each of its columns; not where a line crosses from one to the next, or a
    column has none, or words follow one another closely."""
    above, (a, b) = page(3, 3)[:7], page(3, 3)[7:]
    assert len(read([], [*above, a, b], drawn=OPEN).cells) == 9
    for other in ([(110, 65, 250, 85)], [a], [(140, 65, 195, 85), (205, 65, 270, 85)], [(110, 65, 215, 85), b]):
        assert len(read([], [*above, *other], drawn=OPEN).cells) == 8


def test_a_table_in_a_wide_cell_parts_it_not() -> None:
    """What stands in it is text of that cell, whatever columns it has."""
    inner = quads([(105, 62, 295, 88)])
    assert len(read([], page(3, 3), drawn=OPEN, inner=inner).cells) == 8


def test_rules_hold_against_networks() -> None:
    """What is drawn on the page is believed, however many and sure the networks are; where one agrees, all the more."""
    drawn = read([plain(3, 3, 1.0)] * 3, BESIDE, drawn=SPANNING)
    agreed = read([plain(3, 3, 1.0), SPANNING, SPANNING], BESIDE, drawn=SPANNING)
    assert [table.cells[0].column_span for table in (drawn, agreed)] == [2, 2]
    assert agreed.confidence > drawn.confidence > 0.5


def test_cells_end_at_the_rules_around_them() -> None:
    """However far their text is from them; without rules they end midway between texts."""
    wide = structure([[""] * 2] * 2, [(x0, y, x1, y + 30) for y in (0, 30) for x0, x1 in ((0, 90), (90, 300))])
    text: list[Box] = [(10, 5, 30, 25), (100, 5, 120, 25), (10, 35, 30, 55), (100, 35, 120, 55)]
    drawn, asked = read([], text, drawn=wide), read([wide], text)
    assert [cell.polygon[1, 0] for cell in drawn.cells] == pytest.approx([90, 300, 90, 300], abs=0.1)
    assert asked.cells[0].polygon[1, 0] == pytest.approx(65, abs=0.1)


def test_rules_that_the_text_contradicts_do_not_hold() -> None:
    """A frame around several cells is not one of them."""
    framed = structure([[""], [""], [""]], [(0, 30 * n, 300, 30 * n + 30) for n in range(3)])
    assert size(read([plain(3, 3)], page(3, 3), drawn=framed)) == (3, 3)


def test_a_table_in_a_cell_speaks_against_nothing() -> None:
    """Where rules within a cell close cells of their own, lines beside one another in it are theirs."""
    inner = quads([(100, 32, 290, 88)])
    text = [page(3, 3)[place] for place in (0, 1, 3, 4, 5, 6, 7, 8)]
    assert size(read([plain(3, 3)], text, drawn=WIDE)) == (3, 3)
    table = read([plain(3, 3)], text, drawn=WIDE, inner=inner)
    assert [cell.lines for cell in table.cells] == [(0,), (1,), (2,), (3, 4), (5,), (6, 7)]


def test_words_far_apart_and_several_lines_in_a_cell_speak_against_no_rulings() -> None:
    """Justified words, a sign before an amount, and cells of several lines are what rulings say they are: one cell."""
    cells: list[Box] = [(0, 0, 300, 60), (300, 0, 500, 60), (0, 60, 300, 120), (300, 60, 500, 120)]
    closed = structure([["", ""], ["", ""]], cells)
    words: list[Box] = [(5, 5, 60, 25), (240, 5, 295, 25), (5, 30, 70, 50), (5, 65, 90, 85), (150, 65, 295, 85)]
    amounts: list[Box] = [(305, 5, 322, 25), (420, 5, 495, 25), (305, 65, 322, 85), (410, 65, 495, 85)]
    table = read([plain(4, 3, 1.0)] * 3, [*words, *amounts], drawn=closed)
    assert size(table) == (2, 2)
    assert table.confidence > 0.5


def test_rows_without_rules_between_them_are_rows() -> None:
    """As in an invoice with rules between its columns only: each cell of a row of boxes holds as many lines, level with
    the others' and as far apart as rows are."""
    tall = structure(
        [[""] * 3] * 2, [(100 * c, y, 100 * c + 90, end) for y, end in ((0, 30), (30, 150)) for c in range(3)]
    )
    assert size(read([], page(5, 3), drawn=tall)) == (5, 3)
    wrapped = [*page(1, 3), *((x0, y0 + 15, x1, y1 + 15) for x0, y0, x1, y1 in page(5, 3, pitch=21)[3:])]
    assert size(read([], wrapped, drawn=tall)) == (2, 3)


def test_a_frame_around_a_table_is_no_table() -> None:
    """A cell over all columns with rules in it, boxes above and below: what it holds is not one text."""
    framed = structure([["", ""], [' colspan="2"']], [(0, 0, 145, 30), (150, 0, 300, 30), (0, 30, 300, 90)])
    table = read([plain(3, 3)], page(3, 3)[1:], drawn=framed, inner=quads([(5, 32, 295, 88)]))
    assert size(table) == (3, 3)


def test_rules_are_enough() -> None:
    """Where no network's answer is usable, rules alone make a table; with nothing at all there is none."""
    nothing = Structure((), quads([]), plain(1, 1).scores[:0])
    assert size(read([nothing], page(3, 3), drawn=plain(3, 3))) == (3, 3)
    assert read_table([nothing], quads(page(3, 3)), ["x"] * 9) is None


def test_empty_rows_that_are_drawn_are_there() -> None:
    """A form has rows to be filled in; networks only guess them. With each, a little less is sure."""
    filled, blank = read([], page(4, 3), drawn=plain(4, 3)), read([], page(4, 3)[:9], drawn=plain(4, 3))
    assert (size(filled), size(blank)) == ((4, 3), (4, 3))
    assert filled.confidence > blank.confidence


def test_rules_have_the_head_that_a_network_sees() -> None:
    """Nothing drawn tells headings from other cells, so that is as the network says."""
    head = Structure(
        ("<thead>", *SPANNING.tokens[:4], "</thead>", *SPANNING.tokens[4:]), SPANNING.boxes, SPANNING.scores
    )
    table = read([head], BESIDE, drawn=SPANNING)
    assert [cell.header for cell in table.cells] == [cell.row == 0 for cell in table.cells]


def test_a_table_that_the_network_did_not_finish_is_read_by_its_lines() -> None:
    """Of 100 rows the network wrote half: the lines say where the others are, nothing is lost, and little is sure."""
    half = structure([[""] * 5] * 50, page(50, 5))
    table = read([half], page(100, 5))
    assert size(table) == (100, 5)
    assert [cell.lines for cell in table.cells] == [(n,) for n in range(500)]
    assert table.confidence < 0.5


def test_columns_are_found_though_some_lines_were_found_as_one() -> None:
    """Of each fourth row the first two cells are one line: there are as many columns as in the others."""
    text = [
        box
        for r in range(60)
        for box in ([(10, 30 * r + 5, 170, 30 * r + 25)] if r % 4 == 3 else page(r + 1, 2)[2 * r :])
        + [(210, 30 * r + 5, 270, 30 * r + 25)]
    ]
    table = read([structure([[""] * 3] * 10, page(10, 3))], text)
    assert size(table) == (60, 3)
    assert not table.outside


def test_where_lines_stand_vouches_for_an_answer() -> None:
    """Of two answers among four, the one that has as many rows and columns as the text is surer."""
    text = page(4, 3)
    others = [plain(4, 2), plain(5, 3), plain(3, 3)]
    right = read([plain(4, 3), *others], text)
    spanning = structure(
        [["", ' colspan="2"'], *[["", "", ""]] * 3], [*page(4, 3)[:1], (100, 0, 295, 30), *page(4, 3)[3:]]
    )
    wrapped = read([spanning, *others], [*text[:1], (140, 5, 240, 25), *text[3:], (10, 135, 70, 155)])
    assert right.confidence > 0.5 > wrapped.confidence


@pytest.mark.parametrize(("answer", "expected"), [((3, 3), False), ((3, 2), True), ((4, 3), True), ((0, 0), True)])
def test_an_answer_is_held_against_the_text(answer: tuple[int, int], expected: bool) -> None:
    """Columns too few, a row too many, or no table: the text tells."""
    wide = structure(
        [[""] * answer[1]] * answer[0],
        [(150 * c, 30 * r, 150 * c + 140, 30 * r + 30) for r in range(answer[0]) for c in range(answer[1])],
    )
    asked = plain(3, 3) if answer == (3, 3) else wide
    assert contradicted(asked, quads(page(3, 3))) is expected


@pytest.mark.parametrize("count", [0, 1])
def test_too_little_text_contradicts_nothing_but_what_is_no_answer(count: int) -> None:
    """Without lines there is nothing to hold an answer against."""
    assert not contradicted(plain(1, 1), quads(page(1, 1)[:count]))
