"""Several tables that were said to be one are several; a table with gaps in it is one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.geometry import Polygons
from pipeline.ocr.layout import Region
from pipeline.ocr.table_parts import table_parts
from pipeline.ocr.table_regions import table_regions
from tests.unit.table_answers import Box, lines, quads

HEIGHT, PITCH, GAP = 20.0, 30.0, 60.0
WIDTHS = [31, 45, 37, 58, 40, 52, 34, 61]
"""Of numbers: all differ, so that nothing but their right sides is in line."""

LEFT, RIGHTS = 100.0, [400.0, 520.0, 640.0, 800.0]
HEAD = [70.0, 26.0, 34.0, 40.0, 90.0]
"""Labels begin at `LEFT`, columns of numbers end at `RIGHTS`; the width of each column's title."""


def line(y: float, left: float, right: float) -> Box:
    return (left, y, right, y + HEIGHT)


def row(y: float, *, seed: int, rights: list[float] = RIGHTS, left: float = LEFT) -> list[Box]:
    """A label and numbers."""
    width = [WIDTHS[(3 * seed + 5 * column) % len(WIDTHS)] for column in range(len(rights))]
    label = line(y, left, left + 60 + 13 * (seed % 7))
    return [label, *(line(y, right - wide, right) for right, wide in zip(rights, width, strict=True))]


def head(y: float) -> list[Box]:
    title, *numbers = HEAD
    return [line(y, LEFT, LEFT + title), *(line(y, x - wide, x) for x, wide in zip(RIGHTS, numbers, strict=True))]


def rows(y: float, count: int, *, seed: int = 0, rights: list[float] = RIGHTS) -> list[Box]:
    return [box for k in range(count) for box in row(y + PITCH * k, seed=seed + k, rights=rights)]


def table(y: float, count: int = 6, *, seed: int = 0) -> list[Box]:
    """A head and `count` rows; the next row would be at `y + PITCH * (count + 1)`."""
    return [*head(y), *rows(y + PITCH, count, seed=seed)]


def said(polygons: Polygons) -> Region:
    (x0, y0), (x1, y1) = polygons.min(axis=(0, 1)).tolist(), polygons.max(axis=(0, 1)).tolist()
    return Region("table", (x0 - 4, y0 - 4, x1 + 4, y1 + 4), 0.9)


def bounds(boxes: list[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def parts(*boxes: list[Box]) -> list[Box]:
    """What becomes of one region around all of them."""
    polygons = quads([box for part in boxes for box in part])
    return [part.box for part in table_parts(said(polygons), polygons)]


def stays_whole(*boxes: list[Box]) -> bool:
    polygons = quads([box for part in boxes for box in part])
    return table_parts(said(polygons), polygons) == [said(polygons)]


END = 7 * PITCH
"""Where the row after a table of six rows that begins at 0 would be."""

BELOW = END + GAP - PITCH
"""Where what stands apart from it begins."""

TOTALS = [(560.0, 590.0), (560.0, 655.0), (560.0, 620.0), (560.0, 670.0)]
"""Labels of totals, which begin in one column and end in the next."""


def totals(y: float, count: int) -> list[Box]:
    return [
        box
        for k, (left, right) in enumerate(TOTALS[:count])
        for box in (line(y + PITCH * k, left, right), line(y + PITCH * k, 800.0 - WIDTHS[k], 800.0))
    ]


NOTE = [line(BELOW + 4, LEFT, 480.0), line(BELOW + 28, LEFT, 430.0)]


def test_captioned_tables_with_the_same_head_are_several() -> None:
    """Where the head comes again below a caption a table begins, and no caption is in one, the first neither."""
    first, second, third = table(PITCH), table(2 * PITCH + BELOW, 5, seed=3), table(700, 7, seed=8)
    captions = [line(0, LEFT, 330), line(PITCH + BELOW, LEFT, 335), line(700 - PITCH, LEFT, 330)]
    found = parts(captions[:1], first, captions[1:2], second, captions[2:], third)
    assert found == [bounds(first), bounds(second), bounds(third)]


def test_totals_in_columns_of_their_own_are_a_table() -> None:
    """Three rows of an amount and what it is, apart from the items; the note beside them is in neither."""
    items, sums = table(0), totals(BELOW, 3)
    assert parts(items, NOTE, sums) == [bounds(items), bounds(sums)]


def test_few_totals_are_text() -> None:
    """Two rows are no table, nor are they some of the items'."""
    items = table(0)
    assert parts(items, totals(BELOW, 2), NOTE) == [bounds(items)]


@pytest.mark.parametrize("rights", [[330.0, 470.0], [330.0, 470.0, 590.0, 740.0, 900.0]], ids=["fewer", "more"])
def test_other_columns_below_a_heading_are_another_table(rights: list[float]) -> None:
    """A line of its own behind a gap, then columns that end where none above does."""
    first, second = table(0), rows(BELOW + PITCH, 5, rights=rights)
    assert parts(first, [line(BELOW, LEFT, 300)], second) == [bounds(first), bounds(second)]


def test_columns_between_those_above_are_another_table() -> None:
    """Two columns and more that stand where those above leave room."""
    first = rows(0, 6, rights=[300.0, 900.0])
    second = rows(BELOW, 5, rights=[300.0, 480.0, 600.0, 720.0, 900.0])
    assert parts(first, [line(END - 5, 400, 700)], second) == [bounds(first), bounds(second)]


@pytest.mark.parametrize("place", range(1, 8))
@pytest.mark.parametrize("heading", [None, (LEFT, 250.0), (LEFT, 700.0), (350.0, 550.0)])
def test_groups_of_rows_are_one_table(place: int, heading: tuple[float, float] | None) -> None:
    """A blank row parts no table, before whichever row it stands, and no heading behind it does."""
    above, below = rows(PITCH, place), rows(PITCH * (place + 3), 9 - place, seed=place)
    between = [line(PITCH * (place + 2), *heading)] if heading else []
    assert stays_whole(head(0), above, between, below)


@pytest.mark.parametrize(
    "label",
    [lambda wide: (LEFT, LEFT + wide), lambda wide: (640.0 - wide, 640.0)],
    ids=["from the left", "to the amounts"],
)
def test_totals_in_the_columns_above_are_of_the_table(label: object) -> None:
    """Labels that lie over several columns begin or end with them."""
    assert callable(label)
    sums = [
        box
        for k, wide in enumerate((190.0, 330.0, 260.0))
        for box in (line(BELOW + PITCH * k, *label(wide)), line(BELOW + PITCH * k, 800.0 - WIDTHS[k], 800.0))
    ]
    assert stays_whole(table(0), sums)


def test_totals_right_below_the_items_are_of_the_table() -> None:
    """Without a gap nothing ends."""
    assert stays_whole(table(0), totals(END, 4))


def test_a_head_apart_from_its_rows_is_theirs() -> None:
    """A head of three rows, each of which lies otherwise, and a gap below it."""
    top = [line(0, 450, 700), line(PITCH, 330, 500), line(PITCH, 610, 780)]
    assert stays_whole(top, head(2 * PITCH), rows(3 * PITCH + GAP, 7))


def test_rows_far_apart_are_one_table() -> None:
    """A gap is one only to what is usual on both sides of it."""
    close = rows(0, 4)
    wide = [box for k in range(5) for box in row(4 * PITCH + GAP * (k + 0.5), seed=k)]
    assert stays_whole(close, wide, totals(4 * PITCH + GAP * 5.5, 1))


@pytest.mark.parametrize("degrees", [-1.0, 1.0, 90.0, 270.0])
def test_a_page_may_be_skewed_or_turned(degrees: float) -> None:
    """The parts hold the same lines whichever way the page lies."""
    items, sums = table(0), totals(BELOW, 3)
    straight = quads([*items, *NOTE, *sums])
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = (straight @ np.array([[cos, sin], [-sin, cos]]) + 1000).astype(np.float32)
    first, second = (part.box for part in table_parts(said(turned), turned))
    for box, places in ((first, range(len(items))), (second, range(len(items) + len(NOTE), len(straight)))):
        held = turned[list(places)]
        assert box == pytest.approx((*held.min(axis=(0, 1)), *held.max(axis=(0, 1))))


def test_the_regions_of_a_page_are_parted() -> None:
    """What is said of a page's tables goes through this."""
    items, sums = table(0), totals(BELOW, 3)
    polygons = quads([*items, *NOTE, *sums])
    assert [found.box for found in table_regions([said(polygons)], polygons)] == [bounds(items), bounds(sums)]


@given(lines(40))
def test_parts_lie_in_the_region(polygons: Polygons) -> None:
    """Whatever stands there, there is a table, and nothing beyond what was said to be one."""
    region = said(polygons)
    x0, y0, x1, y1 = region.box
    found = table_parts(region, polygons)
    assert found
    assert all(x0 <= a and y0 <= b and c <= x1 and d <= y1 for a, b, c, d in (part.box for part in found))


@given(st.integers(3, 6), st.integers(0, 40), st.sampled_from([None, (LEFT, 260.0), (LEFT, 700.0)]))
def test_a_table_goes_on_behind_a_gap(above: int, seed: int, heading: tuple[float, float] | None) -> None:
    """Rows in the same columns are the same table, however long their cells are."""
    between = [line(PITCH * (above + 2), *heading)] if heading else []
    assert stays_whole(table(0, above, seed=seed), between, rows(PITCH * (above + 3), 5, seed=seed + 3))
