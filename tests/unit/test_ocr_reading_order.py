"""Lines come in the order a person reads them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.geometry import Polygons, no_polygons
from pipeline.ocr.reading_frame import Frame
from pipeline.ocr.reading_order import Units, order_of_units, reading_order

Box = tuple[float, float, float, float]
"""Left, top, width, height."""


def polygons(boxes: list[Box]) -> Polygons:
    corners = [[(x, y), (x + w, y), (x + w, y + h), (x, y + h)] for x, y, w, h in boxes]
    return np.array(corners, np.float32).reshape(-1, 4, 2)


def turned(boxes: Polygons, degrees: float) -> Polygons:
    """Turned clockwise on the page."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.asarray(boxes @ turn, np.float32)


RECEIPT: list[Box] = [
    (120, 20, 160, 24),
    *(
        (place, 60 + 34 * row + shift, width, 24)
        for row in range(8)
        for place, width, shift in ((20, 200, 0), (330, 60, 3))
    ),
    (20, 340, 80, 40),
]
"""A heading, eight rows of article and price (printed three pixels lower), and a large total."""

COLUMNS: list[Box] = [
    (40, 10, 700, 40),
    *((40, 70 + 30 * row, 320 - 60 * (row % 5 == 4), 22) for row in range(15)),
    *((420, 72 + 30 * row, 320 - 60 * (row % 6 == 5), 22) for row in range(15)),
]
"""A title over two columns of running text."""

THREE: list[Box] = [(40 + 260 * column, 70 + 28 * row, 220, 20) for column in range(3) for row in range(12)]


@pytest.mark.parametrize("page", [RECEIPT, COLUMNS, THREE])
@given(data=st.data())
def test_the_order_boxes_come_in_is_nothing(page: list[Box], data: st.DataObject) -> None:
    """However a detector lists its boxes, they are read as written down above."""
    shuffled = np.array(data.draw(st.permutations(range(len(page)))))
    order = reading_order(polygons(page)[shuffled])
    assert shuffled[order].tolist() == list(range(len(page)))


@pytest.mark.parametrize("page", [RECEIPT, COLUMNS, THREE])
@given(degrees=st.floats(-8, 8))
def test_skew_changes_nothing(page: list[Box], degrees: float) -> None:
    """A page put on the scanner askew is read as if it lay straight."""
    assert reading_order(turned(polygons(page), degrees)).tolist() == list(range(len(page)))


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("page", [RECEIPT, COLUMNS])
def test_turned_pages_are_read_along_their_text(page: list[Box], degrees: float) -> None:
    """Boxes that start at their text's own top left are read in the text's own direction."""
    assert reading_order(turned(polygons(page), degrees)).tolist() == list(range(len(page)))


@pytest.mark.parametrize("page", [RECEIPT, COLUMNS, THREE])
@given(bend=st.floats(-10, 10))
def test_paper_that_curls_changes_nothing(page: list[Box], bend: float) -> None:
    """Rows that sink or rise by up to ten pixels towards the page's right edge are read as if they were straight."""
    boxes = polygons(page)
    middles = boxes[:, :, 0].mean(axis=1) / boxes[:, :, 0].max()
    boxes[:, :, 1] += (bend * middles**2)[:, None]
    assert reading_order(boxes).tolist() == list(range(len(page)))


@given(data=st.data())
def test_a_scribble_over_several_rows_tears_none(data: st.DataObject) -> None:
    """Whatever tall box stands beside a receipt's rows, labels and prices are read as without it."""
    y = data.draw(st.floats(40, 300, width=32))
    height = data.draw(st.floats(40, 140, width=32))
    order = reading_order(polygons([*RECEIPT, (420, y, 160, height)])).tolist()
    assert [place for place in order if place < len(RECEIPT)] == list(range(len(RECEIPT)))


@pytest.mark.parametrize(("y", "expected"), [(-2, [0, 2, 1]), (4, [0, 1, 2])])
def test_a_tall_box_joins_the_row_it_fits_best(y: float, expected: list[int]) -> None:
    """A box that reaches over two rows is read at the end of the one it has more in common with."""
    assert reading_order(polygons([(0, 0, 90, 20), (0, 22, 90, 20), (100, y, 90, 40)])).tolist() == expected


def test_boxes_that_hardly_overlap_are_two_rows() -> None:
    """A fifth of their heights in common makes no row: the upper one is read first, though it stands to the right."""
    assert reading_order(polygons([(0, 20, 90, 20), (100, 0, 90, 24)])).tolist() == [1, 0]


@pytest.mark.parametrize("page", [RECEIPT, COLUMNS, THREE])
@pytest.mark.parametrize("text", ["שלום", "مرحبا 12"])
def test_right_to_left_scripts_are_read_from_the_right(page: list[Box], text: str) -> None:
    """A page of Hebrew or Arabic is read as its mirror image would be, were it Latin."""
    mirrored = [(800 - x - width, y, width, height) for x, y, width, height in page]
    assert reading_order(polygons(mirrored), [text] * len(page)).tolist() == list(range(len(page)))


def test_a_page_is_read_the_way_most_of_its_characters_run() -> None:
    """Some Hebrew on a Latin page moves nothing; digits and signs have no say."""
    row: list[Box] = [(0, 0, 90, 20), (100, 0, 90, 20), (200, 0, 90, 20)]
    assert reading_order(polygons(row), ["words here", "שלום", "123"]).tolist() == [0, 1, 2]
    assert reading_order(polygons(row), ["123 456 789", "אב", "a"]).tolist() == [2, 1, 0]


def test_vertical_writing_goes_from_right_to_left() -> None:
    """Columns of vertical writing, which read down, follow one another leftwards."""
    columns = [[(x, 20), (x, 420), (x - 30, 420), (x - 30, 20)] for x in (400, 350, 300, 250)]
    assert reading_order(np.array(columns, np.float32)).tolist() == [0, 1, 2, 3]


def test_digits_alone_are_no_vertical_writing() -> None:
    """Each is higher than wide, as columns of vertical writing are, however many stand on a page."""
    words: list[Box] = [(0, 40 * row, 90, 24) for row in range(3)]
    digits: list[Box] = [(120 + 40 * column, 40 * row, 12, 24) for row in range(3) for column in range(8)]
    page = sorted([*words, *digits], key=lambda box: (box[1], box[0]))
    assert reading_order(polygons(page)).tolist() == list(range(27))
    assert reading_order(polygons(digits)).tolist() == list(range(24))


def test_no_lines_have_no_order() -> None:
    """Nothing in, nothing out."""
    assert reading_order(no_polygons()).tolist() == []


@given(
    boxes=st.lists(
        st.tuples(*[st.floats(0, 2000, width=32)] * 2, *[st.floats(0, 500, width=32)] * 2), min_size=1, max_size=40
    )
)
def test_every_line_is_read_once(boxes: list[Box]) -> None:
    """Whatever the boxes are, the order is a permutation of them."""
    assert sorted(reading_order(polygons(boxes)).tolist()) == list(range(len(boxes)))


@given(
    between=st.lists(
        st.tuples(st.integers(290, 330), st.integers(0, 150), st.sampled_from([0, 1, 9]), st.sampled_from([0, 20])),
        max_size=6,
    )
)
def test_every_line_of_two_columns_is_read_once(between: list[Box]) -> None:
    """Whatever stands between columns, without width or height too, is read, and once."""
    columns = [(x, 30 * row, 300, 20) for x in (0, 320) for row in range(5)]
    order = reading_order(polygons([*columns, *between]))
    assert sorted(order.tolist()) == list(range(10 + len(between)))


def test_blocks_in_blocks_have_an_end() -> None:
    """A thousand blocks, each beside or above all that follow, are put in order all the same."""
    steps = np.arange(1000.0) * 2
    beside = np.arange(1000) % 2 == 0
    frame = Frame(steps, np.where(beside, steps + 1, 5000), steps, np.where(beside, 5000, steps + 1))
    none = tuple(frame.of(np.zeros(0, np.intp)) for _ in range(1000))
    assert sorted(order_of_units(Units(frame, none, np.ones(1000, np.bool_))).tolist()) == list(range(1000))


@given(
    boxes=st.lists(st.tuples(*[st.integers(0, 500)] * 2, *[st.integers(1, 200)] * 2), max_size=25),
    shift=st.integers(0, 1000),
    scale=st.sampled_from([0.5, 2.0, 4.0]),
)
def test_where_the_page_lies_is_nothing(boxes: list[Box], shift: int, scale: float) -> None:
    """Shifting or scaling all boxes leaves their order."""
    page = polygons(boxes)
    assert reading_order(page * np.float32(scale) + shift).tolist() == reading_order(page).tolist()
