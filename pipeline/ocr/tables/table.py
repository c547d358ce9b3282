"""One table: the best of a network's answers, repaired, with the lines of the page in its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.ocr.geometry import Polygons
from pipeline.ocr.reading_order import reading_order
from pipeline.ocr.ruled import RuledTable

from .bands import COLUMNS, ROWS
from .borders import borders, ruled_borders
from .choose import choose, likeliest
from .frame import Frame, frame_of
from .grid import Grid, Indices
from .heads import with_head
from .html import to_html
from .say import texts_of
from .structure import Structure
from .text import OUTSIDE, Boxes, text_rows
from .witness import Witness, by_lines, by_network, by_rulings


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """`polygon` is (4, 2) float32, clockwise from the top left. `lines` are indices in reading order, and `text` is
    what they say, joined by newlines; of a line found over several cells, each says its part. `header`: in the head."""

    row: int
    column: int
    row_span: int
    column_span: int
    header: bool
    text: str
    polygon: NDArray[np.float32]
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Cells come row by row and cover each place of the grid once; their polygons tile the table's.

    `outside`: the lines in no cell, ascending. `confidence`: 0 to 1, that the structure is right in every cell.
    """

    row_count: int
    column_count: int
    cells: tuple[Cell, ...]
    polygon: NDArray[np.float32]
    html: str
    confidence: float
    outside: tuple[int, ...]


def read_table(
    candidates: Sequence[Structure], polygons: Polygons, texts: Sequence[str], *, ruled: RuledTable | None = None
) -> Table | None:
    """None where no answer is usable. `polygons` and `texts`: the lines of an upright page in the table's region, in
    the frame of the answers' boxes. In which order the answers come is nothing. `ruled`: the grid that
    rulings on the page close; it holds unless the text shows columns that they leave out."""
    frame = frame_of(polygons)
    if frame is None:
        return None
    boxes = frame.boxes(polygons)
    placed = np.flatnonzero(np.isfinite(boxes).all(axis=1))
    lines = boxes[placed]
    answers = [witness for answer in candidates if (witness := by_network(answer, frame, lines))]
    drawn = by_rulings(ruled, frame, lines, head_of=likeliest(answers)) if ruled is not None else None
    chosen = choose(answers, drawn=drawn, text=by_lines(lines))
    if chosen is None:
        return None
    best, confidence = chosen
    owners = np.full(len(polygons), OUTSIDE)
    owners[placed] = best.filling.cells
    return _table(best, owners, frame=frame, polygons=polygons, texts=texts, confidence=confidence)


def contradicted(answer: Structure, polygons: Polygons) -> bool:
    """Whether where the lines of a table stand speaks against an answer."""
    frame = frame_of(polygons)
    if frame is None:
        return False
    boxes = frame.boxes(polygons)
    witness = by_network(answer, frame, boxes[np.isfinite(boxes).all(axis=1)])
    return witness is None or witness.contradictions > 0


def _table(
    best: Witness, owners: Indices, *, frame: Frame, polygons: Polygons, texts: Sequence[str], confidence: float
) -> Table:
    grid, filling = best.grid, best.filling
    inside = np.flatnonzero(owners != OUTSIDE)
    lines = frame.boxes(polygons)
    members = _members(grid, owners, lines, frame.shapes(polygons), texts)
    edges = [
        ruled_borders(bands)
        if best.drawn
        else borders(grid, axis, bands=bands, cells=owners[inside], lines=lines[inside])
        for axis, bands in ((ROWS, filling.rows), (COLUMNS, filling.columns))
    ]
    said = texts_of(grid, filling, members, lines=lines, texts=texts)
    grid = with_head(grid, said)
    cells = tuple(
        Cell(
            row, column, row_span, column_span, row < grid.head_rows, text,
            _rectangle(frame, edges[0][[row, row + row_span]], edges[1][[column, column + column_span]]), numbers,
        )
        for (row, column, row_span, column_span), text, numbers in zip(grid.places.tolist(), said, members, strict=True)
    )  # fmt: skip
    return Table(
        row_count=len(grid.slots),
        column_count=grid.slots.shape[1],
        cells=cells,
        polygon=_rectangle(frame, edges[0][[0, -1]], edges[1][[0, -1]]),
        html=to_html(grid, said),
        confidence=confidence,
        outside=tuple(np.flatnonzero(owners == OUTSIDE).tolist()),
    )


def _members(
    grid: Grid, owners: Indices, lines: Boxes, shapes: Polygons, texts: Sequence[str]
) -> list[tuple[int, ...]]:
    """For each cell its lines, in reading order."""
    order, number = text_rows(owners, lines)
    members: list[list[int]] = [[] for _ in grid.places]
    single = [True] * len(members)
    for line, beside in zip(order.tolist(), (np.diff(number, prepend=-1) == 0).tolist(), strict=True):
        members[owners[line]].append(line)
        single[owners[line]] &= not beside
    return [
        tuple(found if alone else np.array(found)[reading_order(shapes[found], [texts[one] for one in found])].tolist())
        for found, alone in zip(members, single, strict=True)
    ]


def _rectangle(frame: Frame, y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float32]:
    (top, bottom), (left, right) = y, x
    return frame.to_page(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))
