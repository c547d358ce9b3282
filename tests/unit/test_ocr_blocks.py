"""Lines and regions become blocks: each line once, blocks whole, in the order a person reads them."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.blocks import Block, find_blocks
from pipeline.ocr.geometry import Polygons, no_polygons
from pipeline.ocr.layout import Region, RegionKind
from pipeline.ocr.line_kinds import is_item, is_marker, is_page_number
from pipeline.ocr.lists import hangs, list_parts
from pipeline.ocr.reading_frame import direction_of
from pipeline.ocr.reading_order import reading_order
from pipeline.ocr.regions import coverage
from pipeline.ocr.table_regions import table_regions

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

SIDE = 4000


def polygons(boxes: list[Box]) -> Polygons:
    corners = [[(x0, y0), (x1, y0), (x1, y1), (x0, y1)] for x0, y0, x1, y1 in boxes]
    return np.array(corners, np.float32).reshape(-1, 4, 2)


def blocks(boxes: list[Box], regions: list[Region], texts: list[str] | None = None) -> tuple[Block, ...]:
    words = ["words"] * len(boxes) if texts is None else texts
    return find_blocks(polygons(boxes), words, regions=regions, width=SIDE, height=SIDE)


def told(found: tuple[Block, ...]) -> list[tuple[str, tuple[int, ...]]]:
    return [(block.kind, block.lines) for block in found]


def paragraph(x: float, y: float, *, lines: int, width: float = 300) -> list[Box]:
    return [(x, y + 25 * line, x + width, y + 25 * line + 20) for line in range(lines)]


def grid(x: float, y: float, *, rows: int, columns: int) -> list[Box]:
    return [
        (x + 100 * column, y + 30 * row, x + 100 * column + 60, y + 30 * row + 20)
        for row in range(rows)
        for column in range(columns)
    ]


def around(boxes: list[Box], kind: RegionKind, score: float = 0.9) -> Region:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return Region(kind, (min(x0) - 2, min(y0) - 2, max(x1) + 2, max(y1) + 2), score)


@st.composite
def boxes_of(draw: st.DrawFn, least: int = 0, most: int = 400) -> Box:
    x, y = draw(st.integers(0, 600)), draw(st.integers(0, 600))
    return x, y, x + draw(st.integers(least, most)), y + draw(st.integers(least, most))


LINES = st.lists(boxes_of(least=1, most=150), max_size=20)
REGIONS = st.lists(
    st.builds(Region, st.sampled_from(get_args(RegionKind)), boxes_of(), st.sampled_from([0.2, 0.45, 0.6, 0.9])),
    max_size=8,
)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
NONSENSE = st.lists(
    st.builds(Region, st.sampled_from(get_args(RegionKind)), st.tuples(*[NUMBERS] * 4), NUMBERS), max_size=6
)
TEXTS = st.sampled_from(["words", "12", "- item", "1. first", "שלום", ""])


@given(lines=LINES, regions=REGIONS, nonsense=NONSENSE, data=st.data())
def test_every_line_is_in_one_block(
    lines: list[Box], regions: list[Region], nonsense: list[Region], data: st.DataObject
) -> None:
    """Whatever a network claims, each line is in exactly one block, and only pictures and tables may be empty."""
    texts = data.draw(st.lists(TEXTS, min_size=len(lines), max_size=len(lines)))
    found = blocks(lines, regions + nonsense, texts)
    assert sorted(line for block in found for line in block.lines) == list(range(len(lines)))
    assert all(block.lines for block in found if block.kind not in ("table", "figure"))
    assert all(0 <= x0 <= x1 <= SIDE and 0 <= y0 <= y1 <= SIDE for x0, y0, x1, y1 in (block.box for block in found))


@given(lines=LINES, data=st.data())
def test_without_regions_lines_keep_their_order(lines: list[Box], data: st.DataObject) -> None:
    """Grouping lines into paragraphs never changes the order they are read in."""
    texts = data.draw(st.lists(TEXTS, min_size=len(lines), max_size=len(lines)))
    read = [line for block in blocks(lines, [], texts) for line in block.lines]
    assert read == reading_order(polygons(lines), texts).tolist()


@given(lines=LINES, regions=REGIONS, shift=st.integers(0, 500), scale=st.sampled_from([0.5, 1.0, 2.0]))
def test_where_the_page_lies_is_nothing(lines: list[Box], regions: list[Region], shift: int, scale: float) -> None:
    """Shifting or scaling lines and regions moves blocks, and changes nothing else."""

    def moved(box: Box) -> Box:
        x0, y0, x1, y1 = (side * scale + shift for side in box)
        return x0, y0, x1, y1

    found = blocks([moved(box) for box in lines], [Region(it.kind, moved(it.box), it.score) for it in regions])
    still = blocks(lines, regions)
    assert told(found) == told(still)
    assert [block.box for block in found] == [moved(block.box) for block in still]


@given(lines=LINES, regions=REGIONS, data=st.data())
def test_the_order_regions_come_in_is_nothing(lines: list[Box], regions: list[Region], data: st.DataObject) -> None:
    """Regions make the same blocks in whatever order they come, and when they come twice."""
    other = data.draw(st.permutations(regions))
    assert told(blocks(lines, [*other, *regions])) == told(blocks(lines, regions))


LEFT, RIGHT = paragraph(0, 100, lines=6), paragraph(400, 100, lines=3) + paragraph(400, 260, lines=3)
PAPER = [(200.0, 20.0, 500.0, 60.0), *LEFT, *RIGHT, *grid(50, 400, rows=4, columns=5)]
PAPER_REGIONS = [
    around(PAPER[:1], "title"),
    around(LEFT, "text"),
    around(RIGHT[:3], "text"),
    around(RIGHT[3:], "text"),
    around(PAPER[13:], "table"),
]
PAPER_BLOCKS = [
    ("title", (0,)),
    ("text", tuple(range(1, 7))),
    ("text", (7, 8, 9)),
    ("text", (10, 11, 12)),
    ("table", tuple(range(13, 33))),
]


def test_a_paper_is_read_by_columns_and_its_table_by_rows() -> None:
    """Title, left column, right column, then the table below them."""
    assert told(blocks(PAPER, PAPER_REGIONS)) == PAPER_BLOCKS


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_page_has_the_same_blocks(quarters: int) -> None:
    """Quarter turns of all lines and regions leave kinds, lines and order."""

    def turned(points: np.ndarray) -> np.ndarray:
        for _ in range(quarters):
            points = np.stack([SIDE - points[..., 1], points[..., 0]], axis=-1)
        return points

    def box(region: Region) -> Box:
        corners = turned(np.array(region.box).reshape(2, 2))
        (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return x0, y0, x1, y1

    regions = [Region(region.kind, box(region), region.score) for region in PAPER_REGIONS]
    lines = turned(polygons(PAPER)).astype(np.float32)
    found = find_blocks(lines, ["words"] * len(PAPER), regions=regions, width=SIDE, height=SIDE)
    assert told(found) == PAPER_BLOCKS


@given(degrees=st.floats(-2, 2))
def test_small_skew_changes_no_block(degrees: float) -> None:
    """Lines two degrees askew, under the regions of a straight page around them, make the same blocks."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.array([350, 260])
    lines = ((polygons(PAPER) - middle) @ turn + middle).astype(np.float32)
    found = find_blocks(lines, ["words"] * len(PAPER), regions=PAPER_REGIONS, width=SIDE, height=SIDE)
    assert told(found) == PAPER_BLOCKS


def test_a_note_beside_text_is_not_read_into_it() -> None:
    """Lines at the side of a block come before or after it, whole."""
    text, note = paragraph(200, 0, lines=8, width=600), paragraph(0, 60, lines=3, width=120)
    assert told(blocks(text + note, [around(text, "text")])) == [("text", (8, 9, 10)), ("text", tuple(range(8)))]


def test_labels_beside_a_picture_are_read_along_their_rows() -> None:
    """A picture parts lines from what stands beside it, not labels from their values."""
    picture = Region("figure", (0, 0, 300, 200), 0.9)
    rows = grid(400, 0, rows=5, columns=2)
    assert told(blocks(rows, [picture])) == [("figure", ()), ("text", tuple(range(10)))]


def test_blocks_whose_boxes_touch_are_read_by_columns() -> None:
    """Detectors draw boxes a little too large; blocks that overlap by that much still stand beside one another."""
    upper, lower, right = (paragraph(0, 0, lines=3), paragraph(0, 100, lines=3), paragraph(297, 0, lines=7, width=90))
    found = blocks(upper + lower + right, [around(part, "text") for part in (right, lower, upper)])
    assert [block.lines for block in found] == [(0, 1, 2), (3, 4, 5), tuple(range(6, 13))]


def test_a_line_between_those_of_a_block_is_of_the_block() -> None:
    """A region that is too narrow to hold one of its lines keeps it, for the others surround it."""
    lines = [*paragraph(0, 0, lines=2), (45.0, 50.0, 300.0, 70.0), *paragraph(0, 75, lines=2)]
    assert told(blocks(lines, [Region("title", (0, 0, 160, 120), 0.9)])) == [("title", tuple(range(5)))]


def test_lines_of_another_size_or_place_are_another_paragraph() -> None:
    """Where no region is found, a heading and a line that begins elsewhere stand alone."""
    heading, text = [(0.0, 0.0, 200.0, 40.0)], paragraph(0, 50, lines=3)
    aside = [(500.0, 125.0, 700.0, 145.0)]
    assert [block.lines for block in blocks(heading + text + aside, [])] == [(0,), (1, 2, 3), (4,)]


def test_text_in_a_table_belongs_to_the_table() -> None:
    """However sure the network is of text inside a table, its lines are the table's."""
    cells = grid(0, 0, rows=4, columns=3)
    regions = [around(cells, "table", 0.6), around(cells[:6], "text", 0.99)]
    assert told(blocks(cells, regions)) == [("table", tuple(range(12)))]


def test_a_region_that_lost_its_lines_to_better_ones_is_none() -> None:
    """What is left of a column, once its paragraphs are taken, is no block of scattered lines."""
    lines = paragraph(0, 0, lines=9)
    regions = [around(lines, "text", 0.55), around(lines[1:4], "text"), around(lines[5:9], "text")]
    assert told(blocks(lines, regions)) == [
        ("text", (0,)), ("text", (1, 2, 3)), ("text", (4,)), ("text", (5, 6, 7, 8)),
    ]  # fmt: skip


def test_a_figure_that_is_a_grid_is_a_table() -> None:
    """Short lines in rows and columns are a table, whatever they were taken for."""
    cells = grid(0, 0, rows=5, columns=4)
    assert told(blocks(cells, [around(cells, "figure", 0.5)])) == [("table", tuple(range(20)))]


def test_a_list_that_is_a_grid_is_a_table() -> None:
    """So are the short lines of a bibliography's kind, and the head over several of its columns is no line apart."""
    head, cells = [(150.0, 0.0, 250.0, 20.0), (110.0, 30.0, 300.0, 50.0)], grid(0, 60, rows=4, columns=4)
    assert told(blocks(head + cells, [around(head + cells, "list", 0.5)])) == [("table", tuple(range(18)))]


def test_a_page_with_rows_in_it_is_no_table() -> None:
    """Three lines across the columns, at one end, are no title of a table; two are."""
    pairs = [((0.0, y, 90.0, y + 20), (200.0, y, 260.0, y + 20)) for y in range(0, 180, 30)]
    rows = [cell for place, pair in enumerate(pairs) for cell in pair[: 1 + (place != 2)]]
    for low, high, expected in ((-60, 0, "table"), (-90, 0, "text"), (180, 240, "table"), (180, 270, "text")):
        across = [(40.0, float(y), 220.0, y + 20.0) for y in range(low, high, 30)]
        lines = rows + across
        found = table_regions([around(lines, "table")], polygons(lines))
        assert [region.kind for region in found] == (["table"] if expected == "table" else [])


def test_what_is_surer_of_a_place_is_heard() -> None:
    """A bibliography that might be a table is none, unless it is a grid."""
    lines, cells = paragraph(0, 0, lines=9), grid(0, 0, rows=4, columns=3)
    assert table_regions([around(lines, "table", 0.6)], polygons(lines)) != []
    assert table_regions([around(lines, "table", 0.6), around(lines, "list")], polygons(lines)) == []
    assert len(table_regions([around(cells, "table", 0.6), around(cells, "list")], polygons(cells))) == 1


def test_a_chart_is_no_table() -> None:
    """Labels along two axes of a picture make no grid."""
    upright: list[Box] = [(0, 40 * row, 30, 40 * row + 20) for row in range(6)]
    level: list[Box] = [(60 + 70 * column, 260, 100 + 70 * column, 280) for column in range(6)]
    found = blocks(upright + level, [Region("figure", (0, 0, 500, 300), 0.9)])
    assert [(block.kind, len(block.lines)) for block in found] == [("figure", 12)]


@pytest.mark.parametrize(
    ("cells", "box"),
    [
        (
            [(100 * a + 37 * b % 61 + 11 * a * b % 43, 60 * b, 100 * a + 37 * b % 61 + 40, 60 * b + 20)
             for b in range(6) for a in range(0, 10, 3)],
            (0, 0, 1000, 400),
        ),
        ([cell for row in range(8) for cell in grid(0, 30 * row, rows=1, columns=1 + row % 2)], (0, 0, 170, 240)),
        (grid(0, 0, rows=4, columns=2), (0, 0, 900, 900)),
        (paragraph(0, 0, lines=8, width=200) + paragraph(300, 0, lines=8, width=200), (0, 0, 500, 200)),
    ],
    ids=["scattered words", "half of the rows", "a legend", "columns of text"],
)  # fmt: skip
def test_what_is_no_grid_is_no_table(cells: list[Box], box: Box) -> None:
    """A figure is a table only if short lines, one below the other, make up most of its rows and of its extent."""
    assert table_regions([Region("figure", box, 0.9)], polygons(cells)) == []


def test_a_figure_full_of_lines_is_text() -> None:
    """A framed note is text, though most of the page is elsewhere."""
    note, body = paragraph(0, 0, lines=4, width=90), paragraph(0, 300, lines=9)
    assert [block.kind for block in blocks(note + body, [around(note, "figure")])] == ["text", "text"]


def test_slanted_labels_fill_no_figure() -> None:
    """Boxes around slanted labels cover each other; what the labels themselves cover is little."""
    slanted = np.array([[(0, 40), (60, 0), (66, 9), (6, 49)]], np.float32)
    labels = np.concatenate([np.add(slanted, (45 * place, 0)) for place in range(9)]).astype(np.float32)
    upright = polygons(grid(0, 100, rows=4, columns=2))
    lines = np.concatenate([labels, upright])
    found = find_blocks(
        lines, ["words"] * 17, regions=[Region("figure", (-10, -10, 480, 240), 0.9)], width=SIDE, height=SIDE
    )
    assert [(block.kind, len(block.lines)) for block in found] == [("figure", 17)]


def test_a_page_of_text_is_no_figure() -> None:
    """A figure around most of a page's lines, which fill it, is the page: it is text."""
    lines = paragraph(0, 0, lines=10, width=200)
    assert told(blocks(lines, [around(lines, "figure", 0.95)])) == [("text", tuple(range(10)))]


@given(lines=LINES, regions=st.one_of(REGIONS, NONSENSE))
def test_tables_hold_lines_and_come_once(lines: list[Box], regions: list[Region]) -> None:
    """Each table is as wide as one of the regions, or stands there without any; has four lines in it, and is sure
    enough; none comes twice."""
    found, unasked = table_regions(regions, polygons(lines)), table_regions([], polygons(lines))
    assert {table.box[::2] for table in found} <= {region.box[::2] for region in (*regions, *unasked)}
    assert all(table.kind == "table" and table.score >= 0.4 for table in found)
    assert ((coverage(found, polygons(lines)) >= 0.5).sum(axis=1) >= 4).all()
    assert len({table.box for table in found}) == len(found)


def test_a_table_found_twice_is_one() -> None:
    """Of two regions around one table, the surer one stays."""
    cells = grid(0, 0, rows=4, columns=3)
    twice = [around(cells[3:], "table", 0.6), around(cells, "table", 0.8)]
    assert [table.score for table in table_regions(twice, polygons(cells))] == [0.8]


def test_tables_found_before_reading_stay_what_they_are() -> None:
    """Tables told by the caller are blocks, also where some of their lines had no text; others are not."""
    cells, other = grid(0, 0, rows=4, columns=3), grid(0, 300, rows=4, columns=3)
    first, second = around(cells, "table"), around(other, "table")
    found = find_blocks(
        polygons(cells[:3] + other), ["words"] * 15, regions=[second], tables=[first], width=SIDE, height=SIDE
    )
    assert [(block.kind, block.region) for block in found] == [("table", first), ("text", None)]


def test_a_page_without_lines_has_its_pictures() -> None:
    """Nothing to read: a photograph is still there, and is cut at the page's edge."""
    picture = Region("figure", (-5, 10, 90, 500), 0.8)
    assert find_blocks(no_polygons(), [], regions=[], width=80, height=80) == ()
    assert [block.box for block in find_blocks(no_polygons(), [], regions=[picture], width=80, height=80)] == [
        (0, 10, 80, 80)
    ]


@pytest.mark.parametrize(
    "text", ["12", "- 5 -", "Page 3 of 7", "iv", "3/7", "第3页", "3 ページ", "[xii]", "S. 9", "p. 101"]
)
def test_page_numbers(text: str) -> None:
    """A header's or footer's only line that is a page number makes it one."""
    assert is_page_number(text)
    body, foot = paragraph(0, 0, lines=4), (100.0, 900.0, 130.0, 920.0)
    texts = ["words"] * 4 + [text]
    assert told(blocks([*body, foot], [around([foot], "footer")], texts))[-1] == ("page_number", (4,))
    assert told(blocks([*body, foot], [], texts))[-1] == ("page_number", (4,))


@pytest.mark.parametrize("text", ["", "-", "12 May", "Page", "12.50", "12345", "Chapter 3", "mild", "3 of"])
def test_what_is_no_page_number(text: str) -> None:
    """Prices, dates, words and nothing are no page numbers."""
    assert not is_page_number(text)


def test_a_number_amid_the_page_is_text() -> None:
    """Only in the margins is a number that no region holds a page number."""
    lines = [*paragraph(0, 0, lines=4), (100.0, 400.0, 130.0, 420.0), *paragraph(0, 700, lines=4)]
    texts = ["words"] * 4 + ["12"] + ["words"] * 4
    assert told(blocks(lines, [], texts))[1] == ("text", (4,))


@pytest.mark.parametrize(
    "texts",
    [
        ["• one", "• two"],
        ["1. one", "2) two", "and more"],
        ["a) one", "(b) two"],
        ["- one", "– two"],
        ["iv. x", "①y"],
        ["[1] one", "[23] two"],
    ],
)
def test_lists(texts: list[str]) -> None:
    """Lines most of which begin with a bullet, a number or a letter are a list."""
    assert told(blocks(paragraph(0, 0, lines=len(texts)), [], texts)) == [("list", tuple(range(len(texts))))]


@pytest.mark.parametrize(
    "texts", [["• one"], ["1.50", "2.75"], ["-5.00", "-7.00"], ["one", "2. two"], ["P.O. Box", "C.P. 23"]]
)
def test_what_is_no_list(texts: list[str]) -> None:
    """One item, prices, abbreviations, and half of the lines are no list."""
    assert [kind for kind, _ in told(blocks(paragraph(0, 0, lines=len(texts)), [], texts))] == ["text"]


def test_markers() -> None:
    """A marker is what begins an item, and nothing after it."""
    assert is_item(" 2) two")
    assert is_marker(" 2) ")
    assert not is_marker("2) two")


ITEMS = ["text", "1. one", "goes on", "goes on", "2. two", "goes on", "text"]


def ladder(*lefts: float, right: float = 400) -> list[Box]:
    return [(left, 25.0 * place, right, 25.0 * place + 20) for place, left in enumerate(lefts)]


def test_items_that_go_on_are_a_list() -> None:
    """Where items go on further in they are a list, and the text before and after them is none; each line keeps its
    place."""
    lines = ladder(0, 20, 40, 40, 20, 40, 0)
    for regions in ([], [around(lines, "text")], [around(lines, "list")]):
        assert told(blocks(lines, regions, ITEMS)) == [("text", (0,)), ("list", (1, 2, 3, 4, 5)), ("text", (6,))]


def test_numbered_paragraphs_are_text() -> None:
    """Where lines go on at the edge, what begins with a number is a paragraph like others."""
    assert told(blocks(ladder(0, 0, 0, 0, 0, 0, 0), [], ITEMS)) == [("text", tuple(range(7)))]


def test_markers_beside_their_items_are_a_list() -> None:
    """A marker found by itself has its item beside it; what stands beside a whole item is a price, say."""
    apart = [(x, 25.0 * row, x + width, 25.0 * row + 20) for row in range(3) for x, width in ((0, 10), (30, 200))]
    frame = direction_of(polygons(apart)).frame(polygons(apart))
    assert list_parts(frame, ["•", "one"] * 3) == [(True, 0, 6)]
    assert list_parts(frame, ["• one", "2.00"] * 3) == [(False, 0, 6)]


def entries(*inner: bool) -> list[Box]:
    """Lines of a bibliography, which end early where the next begins at the edge."""
    early = [not after for after in (*inner[1:], False)]
    return [(40.0 * place, 25.0 * row, 400 - 100 * end, 25.0 * row + 20)
            for row, (place, end) in enumerate(zip(inner, early, strict=True))]  # fmt: skip


@pytest.mark.parametrize("begins", [[], [True]], ids=["from its first line", "from within an entry"])
def test_a_bibliography_is_a_list(begins: list[bool]) -> None:
    """What the network calls a list is one without any markers, if entries go on further in."""
    lines = entries(*begins, *[False, True, True, False, True, False, True])
    assert hangs(direction_of(polygons(lines)).frame(polygons(lines)))
    assert told(blocks(lines, [around(lines, "list")])) == [("list", tuple(range(len(lines))))]
    assert told(blocks(lines, [around(lines, "text")])) == [("text", tuple(range(len(lines))))]


def test_text_that_was_called_a_list_is_text() -> None:
    """Neither a column that is straight at its edge is a list, nor one whose paragraphs are short and begin inside."""
    straight, indented = paragraph(0, 0, lines=8), ladder(*[40, 0] * 4)
    shown = [(x0, y0, x1 - 150 * (x0 == 0), y1) for x0, y0, x1, y1 in indented]
    for lines in (straight, shown):
        assert told(blocks(lines, [around(lines, "list")])) == [("text", tuple(range(8)))]


def test_lines_of_right_to_left_scripts_keep_their_direction() -> None:
    """Columns of Hebrew follow one another leftwards."""
    right, left = paragraph(400, 0, lines=6), paragraph(0, 0, lines=6)
    texts = ["שלום עולם"] * 12
    found = blocks(right + left, [around(left, "text"), around(right, "text")], texts)
    assert told(found) == [("text", tuple(range(6))), ("text", tuple(range(6, 12)))]


def test_vertical_writing_keeps_its_direction() -> None:
    """Two blocks of vertical writing, side by side, are read from right to left."""
    columns = [[(x, 20), (x, 420), (x - 30, 420), (x - 30, 20)] for x in (600, 560, 520, 300, 260, 220)]
    regions = [Region("text", (180, 10, 310, 430), 0.9), Region("text", (480, 10, 610, 430), 0.9)]
    found = find_blocks(np.array(columns, np.float32), ["縦書き"] * 6, regions=regions, width=700, height=500)
    assert told(found) == [("text", (0, 1, 2)), ("text", (3, 4, 5))]
