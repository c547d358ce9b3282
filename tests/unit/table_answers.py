"""Answers of a table network, right and wrong, and where a browser puts the cells of what is made of them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from lxml import etree

from pipeline.ocr.geometry import Polygons
from pipeline.ocr.ruled import RuledTable
from pipeline.ocr.tables.grid import read_grid
from pipeline.ocr.tables.structure import Structure

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1."""

NOTHING = np.zeros((0, 4, 2), np.float32)

PIECES = [
    "<thead>", "</thead>", "<tbody>", "</tbody>", "<tr>", "</tr>", "<td>", "<td", ">", "</td>", "<td></td>", "<table>",
    ' colspan="2"', ' colspan="3"', ' colspan="20"', ' colspan="500"', ' colspan="0"', ' rowspan="2"', ' rowspan="4"',
    ' rowspan="999"', ' colspan="99999999999"', ' rowspan="-1"', "", "sos", "<th>x", ' colspan="', "<script>",
]  # fmt: skip
"""What networks write, and what they should not."""

ROWS = [["<tr>", "<td></td>", "<td></td>", "</tr>"], ["<tr>", "<td", ' colspan="2"', ">", "</td>", "</tr>"]]

tokens = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=60),
    st.lists(st.sampled_from(ROWS), max_size=12).map(lambda rows: [token for row in rows for token in row]),
    st.lists(st.text(max_size=12), max_size=8),
)

coordinates = st.one_of(
    st.floats(-50, 500, width=32), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e-40, 3e38, -3e38])
)


@st.composite
def polygons(draw: st.DrawFn, most: int = 12) -> Polygons:
    """Anything: boxes, points, and what is no place at all."""
    count = draw(st.integers(0, most))
    corners = draw(st.lists(coordinates, min_size=8 * count, max_size=8 * count))
    return np.array(corners, np.float32).reshape(-1, 4, 2)


@st.composite
def lines(draw: st.DrawFn, most: int = 12) -> Polygons:
    """Upright boxes in whole pixels, anywhere on a page."""
    whole = st.integers(0, 400)
    corners = st.tuples(whole, whole, st.integers(1, 200), st.integers(1, 40))
    return quads([(x, y, x + w, y + h) for x, y, w, h in draw(st.lists(corners, min_size=1, max_size=most))])


@st.composite
def answers(draw: st.DrawFn) -> Structure:
    named = draw(tokens)
    scores = draw(st.lists(st.floats(width=32), max_size=8))
    return Structure(tuple(named), draw(st.one_of(polygons(), lines())), np.array(scores, np.float32))


def quads(boxes: list[Box]) -> Polygons:
    corners = [[(x0, y0), (x1, y0), (x1, y1), (x0, y1)] for x0, y0, x1, y1 in boxes]
    return np.array(corners, np.float32).reshape(-1, 4, 2)


def structure(rows: list[list[str]], boxes: list[Box], score: float = 0.99) -> Structure:
    """`rows` of cells, each the attributes it has: "" or ' colspan="2"'."""
    named = [token for row in rows for token in ("<tr>", *(f"<td{spans}></td>" for spans in row), "</tr>")]
    return Structure(tuple(named), quads(boxes), np.full(len(named), score, np.float32))


def ruled(answer: Structure, inner: Polygons = NOTHING) -> RuledTable:
    """A table with rulings on all sides of the cells that an answer has, each where the answer's first cells are."""
    grid = read_grid(answer.tokens)
    assert grid is not None
    edges = []
    for axis in (1, 0):
        begins, spans = grid.places[:, axis], grid.places[:, axis + 2]
        first = [answer.boxes[begins == place, 0, 1 - axis].min() for place in range(grid.slots.shape[axis])]
        last = answer.boxes[begins + spans == grid.slots.shape[axis], 2, 1 - axis].max()
        edges.append(np.array([*first, last], np.float64))
    xs, ys = edges
    cells = grid.places.astype(np.int32)
    above, left = np.zeros((len(ys), len(xs) - 1), np.bool_), np.zeros((len(xs), len(ys) - 1), np.bool_)
    for row, column, down, across in cells.tolist():
        above[[row, row + down], column : column + across] = left[[column, column + across], row : row + down] = True
    return RuledTable(cells, xs, ys, above, left, inner, 1.0, np.eye(2, 3))


def browser_grid(html: str) -> dict[tuple[int, int], tuple[int, str]]:
    """Row and column to (number of the cell, its text), as HTML's algorithm for forming a table places them.

    Raises where the text is not well formed, where two cells overlap, or where a span leaves its section.
    """
    taken: dict[tuple[int, int], tuple[int, str]] = {}
    number = first = 0
    for section in etree.fromstring(html):
        for row, tr in enumerate(section, start=first):
            column = 0
            for cell in tr:
                while (row, column) in taken:
                    column += 1
                height, width = int(cell.get("rowspan", "1")), int(cell.get("colspan", "1"))
                assert row + height <= first + len(section)
                for place in ((row + i, column + j) for i in range(height) for j in range(width)):
                    assert place not in taken
                    taken[place] = number, cell.text or ""
                number += 1
        first += len(section)
    return taken
