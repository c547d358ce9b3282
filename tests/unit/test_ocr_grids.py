"""What any reader takes for a table is one, whether a layout network saw it or not; what only looks like it is none."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.geometry import Polygons
from pipeline.ocr.grids import grids
from pipeline.ocr.layout import Region
from pipeline.ocr.reading_frame import direction_of
from pipeline.ocr.rows import rows_of
from pipeline.ocr.table_regions import table_regions
from tests.unit.table_answers import Box, lines, quads

HEIGHT, PITCH = 20, 32
WIDTHS = [70, 110, 50, 130, 90, 60, 120, 80, 100, 140]
"""Of words, in the order they come."""


def texts(left: float, rows: int, *, top: float = 0, pitch: float = PITCH, by: int = 1) -> list[Box]:
    """Words that begin at one place and end anywhere."""
    tops = [top + pitch * row for row in range(rows)]
    return [(left, y, left + WIDTHS[(by * row + by) % 10], y + HEIGHT) for row, y in enumerate(tops)]


def numbers(right: float, rows: int, *, top: float = 0, pitch: float = PITCH) -> list[Box]:
    """Numbers that end at one place, of two digits to four."""
    return [(right - 25 - 14 * (row % 3), top + pitch * row, right, top + pitch * row + HEIGHT) for row in range(rows)]


def items(rows: int = 7, *, top: float = 0, pitch: float = PITCH) -> list[Box]:
    """Articles, amounts and prices."""
    columns = [texts(40, rows, top=top, pitch=pitch), *(numbers(x, rows, top=top, pitch=pitch) for x in (400, 520))]
    return [cell for column in columns for cell in column]


def found(boxes: list[Box], *regions: Region) -> list[Box]:
    return [region.box for region in table_regions(regions, quads(boxes))]


@pytest.mark.parametrize(
    "regions",
    [
        (),
        (Region("figure", (0, 0, 600, 400), 0.9),),
        (Region("text", (30, -10, 530, 230), 0.9),),
        (Region("table", (0, 0, 600, 900), 0.3),),
    ],
    ids=["nothing", "a picture", "text", "perhaps a table"],
)
def test_a_clear_grid_is_a_table(regions: tuple[Region, ...]) -> None:
    """Whatever is said of the place, and though other lines of the page are none of it."""
    below: list[Box] = [(40, 300 + 30 * row, 560, 320 + 30 * row) for row in range(4)]
    assert found(items() + below, *regions) == [(40, 0, 520, 6 * PITCH + HEIGHT)]


def test_what_a_network_is_sure_of_comes_first() -> None:
    """A table that it found already is not found again, and stays as large as it was said to be."""
    said = Region("table", (30, -8, 540, 222), 0.9)
    assert table_regions([said], quads(items())) == [said]


FIELDS = [cell for x in (0, 160, 320, 480) for cell in texts(x, 9, by=1 + x // 160)]
SCATTERED: list[Box] = [(37 * row % 80, PITCH * row, 37 * row % 80 + 90, PITCH * row + HEIGHT) for row in range(7)]
SENTENCES: list[Box] = [(0, PITCH * row, 320, PITCH * row + HEIGHT) for row in range(7)]
AMOUNTS = numbers(400, 7) + numbers(520, 7)
PRINT: list[Box] = [(x, 25 * row, x + 200, 25 * row + HEIGHT) for row in range(12) for x in (0, 220, 440)]


@pytest.mark.parametrize(
    "boxes",
    [
        [cell for x in range(60, 600, 80) for cell in numbers(x, 3)],
        texts(40, 9) + numbers(400, 9),
        FIELDS,
        PRINT,
        texts(0, 5) + texts(200, 5, by=3) + numbers(520, 5),
        SCATTERED + AMOUNTS,
        SENTENCES + AMOUNTS,
        items(7, pitch=5 * HEIGHT),
        [(x, y, u, v + 12 * (y // PITCH % 2)) for x, y, u, v in items()],
        [(x + 23 * row, y, u + 23 * row, v) for x, y, u, v in items() for row in [y // PITCH]],
    ],
    ids=["three rows", "two columns", "fields", "newspaper", "head of a letter", "scattered words", "sentences",
         "far apart", "two sizes", "stairs"],
)  # fmt: skip
def test_what_only_looks_like_a_grid_is_no_table(boxes: list[Box]) -> None:
    """Nor are amounts in two columns beside lines that are no cells."""
    assert found(boxes) == []


def test_a_cell_may_have_several_lines() -> None:
    """What goes on below in a cell belongs to the table, in its last row too."""
    more: list[Box] = [(40, 64 * row + 24, 120, 64 * row + 44) for row in (1, 3, 6)]
    assert found(items(pitch=64) + more) == [(40, 0, 520, 6 * 64 + 44)]


def test_a_long_cell_cuts_no_table_in_two() -> None:
    """Of eight lines, or wider than cells are: what goes on below at the same places is the same table. A line over
    the columns is a caption, and what begins elsewhere or far below is another table."""

    later = [cell for cell in items(15) if cell[1] >= 7 * PITCH]

    def moved(across: float, down: float) -> list[Box]:
        return [(x0 + across, y0 + down, x1 + across, y1 + down) for x0, y0, x1, y1 in later]

    long: list[Box] = [(40, 7 * PITCH + 24 * line, 150, 7 * PITCH + 24 * line + HEIGHT) for line in range(1, 8)]
    assert found(items() + long + moved(0, 200)) == [(40, 0, 520, 14 * PITCH + 200 + HEIGHT)]
    wide = [(x0, y0, 345, y1) if (x0, y0) == (40, 7 * PITCH) else (x0, y0, x1, y1) for x0, y0, x1, y1 in items(15)]
    assert found(wide) == [(40, 0, 520, 14 * PITCH + HEIGHT)]
    assert len(found([*items(), (40, 8 * PITCH, 480, 8 * PITCH + HEIGHT), *moved(0, 200)])) == 2
    assert len(found(items() + moved(30, 200))) == 2
    assert len(found(items() + moved(0, 400))) == 2


def test_a_head_has_few_rows() -> None:
    """Labels and their values above a table may stand over its columns; three rows of them are its head at most."""
    fields = [cell for row in range(6) for cell in ((45, -PITCH * (row + 1), 90, -PITCH * row - 12),
                                                    (380, -PITCH * (row + 1), 400, -PITCH * row - 12))]  # fmt: skip
    ((_, top, _, _),) = found(items() + fields)
    assert top == -3 * PITCH


def test_lines_are_in_one_table() -> None:
    """A grid is none where the network saw a table in a part of it."""
    said = Region("table", (300, -8, 540, 230), 0.9)
    wide = items() + texts(-200, 7) + numbers(-20, 7)
    for table, other in [(one, two) for one in found(wide, said) for two in found(wide, said) if one != two]:
        assert table[0] >= other[2] or other[0] >= table[2]


def test_a_head_comes_along_and_a_title_stays_outside() -> None:
    """Cells above are the head where each stands over one column, however it is aligned there."""
    head: list[Box] = [(80, -36, 170, -16), (340, -36, 385, -16), (480, -36, 505, -16)]
    title: list[Box] = [(40, -70, 300, -50)]
    assert found(items() + head + title) == [(40, -36, 520, 6 * PITCH + HEIGHT)]


@pytest.mark.parametrize(
    "above",
    [[(60, -36, 300, -16), (330, -36, 530, -16)], [(60, -90, 130, -70), (450, -90, 530, -70)], [(60, -36, 530, -16)]],
    ids=["over two columns", "far above", "one line"],
)
def test_what_stands_above_by_chance_is_no_head(above: list[Box]) -> None:
    """Addresses and captions are none."""
    assert found(items() + above) == [(40, 0, 520, 6 * PITCH + HEIGHT)]


def test_totals_in_other_columns_stay_outside() -> None:
    """Sums below a table, with words before them, are two columns of their own."""
    end = 7 * PITCH
    totals = [*texts(290, 3, top=end), *numbers(520, 3, top=end)]
    assert found(items() + totals) == [(40, 0, 520, 6 * PITCH + HEIGHT)]


def test_numbers_below_what_they_belong_to_are_no_table() -> None:
    """Where names stand in lines of their own, beside the columns, those would be torn from them."""
    columns = [cell for x in (300, 400, 520) for cell in numbers(x, 6, pitch=64)]
    names = texts(20, 6, top=-32, pitch=64)
    assert found(columns) != []
    assert found(columns + names) == []


def test_text_beside_a_grid_stays_outside() -> None:
    """In a column of print, the next column is not the table's."""
    columns = [cell for x in (80, 160, 240) for cell in numbers(x, 9)]
    beside: list[Box] = [(280, 23 * row, 530, 23 * row + HEIGHT) for row in range(20)]
    assert [box[2] for box in found(columns + beside)] == [240]


def turned(polygons: Polygons, degrees: float) -> Polygons:
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.asarray(polygons @ matrix + 2_000, np.float32)


@pytest.mark.parametrize("degrees", [-3, 3, 90, 180, 270])
def test_a_grid_may_stand_on_its_side(degrees: float) -> None:
    """Crooked pages and turned tables have the same lines in theirs."""
    polygons = turned(quads(items()), degrees)
    (region,) = table_regions([], polygons)
    low, high = polygons.min(axis=(0, 1)), polygons.max(axis=(0, 1))
    assert region.box == pytest.approx((*low, *high))


def far_grids(count: int) -> Iterator[list[Box]]:
    for place in range(count):
        yield items(top=place * 12 * PITCH)


@given(st.integers(1, 4), st.randoms(use_true_random=False))
def test_each_grid_is_a_table(count: int, random: Random) -> None:
    """From top to bottom, in whatever order lines are found."""
    expected = [(40.0, min(y for _, y, _, _ in grid), 520.0, max(y for *_, y in grid)) for grid in far_grids(count)]
    boxes = [cell for grid in far_grids(count) for cell in grid]
    random.shuffle(boxes)
    assert found(boxes) == expected


@given(lines(most=60))
def test_a_grid_is_made_of_lines(polygons: Polygons) -> None:
    """No table reaches beyond them, whatever they are."""
    frame = direction_of(polygons).frame(polygons)
    low, high = polygons.min(axis=(0, 1)), polygons.max(axis=(0, 1))
    for region in grids(polygons, frame, rows_of(frame)):
        assert (np.array(region.box) >= [*low, *low]).all()
        assert (np.array(region.box) <= [*high, *high]).all()
