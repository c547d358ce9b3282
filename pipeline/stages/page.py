"""What was read on a page to its record: in reading order, and in the frame a viewer shows the page in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pipeline.core.events import PageRead
from pipeline.ocr.blocks import Block as FoundBlock
from pipeline.ocr.blocks import find_blocks
from pipeline.ocr.coverage import Coverage, coverage, doubted
from pipeline.ocr.fitted_boxes import fitted_boxes
from pipeline.ocr.geometry import Polygons
from pipeline.ocr.layout import Region
from pipeline.ocr.orientation import to_page
from pipeline.ocr.tables.table import Table as FoundTable
from pipeline.ocr.tables.table import read_table
from pipeline.ocr.text.confidence import line_confidence
from pipeline.stages.delivered import Delivered, delivered, polygons_of, with_check_boxes
from pipeline.stages.parts import Found, Line, Sheet, TableSeen
from pipeline.stages.settled import Settled, settled
from schemas.fields import Points, relative_box
from schemas.pages import Block, Cell, PageResult, Table, TextLine

TEXT_NOT_READ = "text_not_read"
"""Warning: print on the page lies in none of its lines; the page's `text_not_read` tells how much of it."""

NOT_READ_CHARACTERS = 8
"""Characters of ink in lines that were not read, from which on a page says so. Of 61 receipts 1 has more."""

SCRIPT_UNSUPPORTED = "script_unsupported"
"""Warning: the page is in a script that the recogniser doesn't know; its lines are guesswork."""

STAMP_OVER_PRINT = "stamp_over_print"
"""Warning: a coloured stamp lies over print. The print was read without the stamp, and what could be read of the
stamp's own text is in blocks of its own at the end of the page."""

SHOW_THROUGH = "show_through"
"""Warning: print of the other side shows through; the lines that are such print are marked as junk."""

SPECKS = "specks"
"""Warning: what was found as text is dirt, or can't be told from it; those lines are marked as junk."""

TABLE_UNREADABLE = "table_unreadable"
"""Warning: a table was found on the page, and no structure that could be one; or asking for it failed, every time it
was tried. Its lines are there."""

TABLE_DOUBTFUL = "table_doubtful"
"""Warning: the structure of a table on the page has a confidence below `DOUBTFUL`."""

DOUBTFUL = 0.5
"""Below it a table is more likely wrong in some cell than right: of 16 such tables 4 were right, of 78 others 70. 61 of
these were drawn, and 33 cut out of papers and reports."""


@dataclass(frozen=True, slots=True, eq=False)
class _Upright:
    """A page as it was read. `lines` in the order they were found, `polygons` and `texts` theirs; `tables` by where.
    The lines of stamps are the last ones. `settled`: the lines as they were read, and those that are junk."""

    sheet: Sheet
    found: Found
    lines: tuple[Delivered, ...]
    polygons: Polygons
    texts: tuple[str, ...]
    tables: dict[Region, TableSeen]
    settled: Settled

    @property
    def junk(self) -> tuple[Line, ...]:
        every = (*self.settled.through, *self.settled.specks)
        return tuple(line for line in every if line.reading.text.strip())

    @property
    def read_texts(self) -> tuple[str, ...]:
        return tuple(line.read.text for line in self.lines)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        sizes = self.sheet.width, self.sheet.height
        return sizes if self.found.rotation in (0, 180) else sizes[::-1]

    def shown(self, polygon: NDArray[np.float32]) -> Points:
        """Where a viewer shows it: what reaches beyond the page, as a cell's border may, ends with it."""
        sheet = self.sheet
        width, height = self.size
        inside = np.clip(polygon, 0, np.array([width, height], np.float32))
        corners = to_page(inside, self.found.rotation, width=sheet.width, height=sheet.height).tolist()
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
        return (ax, ay), (bx, by), (cx, cy), (dx, dy)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A table that could be read. `lines`: which lines of the page those are that it was read with."""

    table: FoundTable
    lines: tuple[int, ...]


def compose_page(read: PageRead, *, document_id: str, result_id: str, correct: bool) -> PageResult:
    """`correct`: whether lines are corrected by their page; they stay as they were read otherwise."""
    page = _upright(read, correct=correct)
    width, height = page.size
    blocks = _blocks(page)
    order = [place for block in blocks for place in block.lines]
    ink = page.found.ink.outside(polygons_of(page.junk), height=height, width=width) if page.junk else page.found.ink
    covered = coverage(ink, page.polygons, page.read_texts, height=height, width=width)
    boxes = fitted_boxes(page.found.ink, page.polygons, height=height, width=width)
    unknown = covered.is_unknown_script([line.read.mean_probability for line in page.lines])
    names = {place: f"l{number}" for number, place in enumerate(order, 1)}
    tables = [
        _read_table(page.tables[block.region], block, page)
        for block in blocks
        if block.region is not None and block.region in page.tables
    ]
    return PageResult(
        document_id=document_id,
        result_id=result_id,
        number=page.sheet.number,
        status="ok" if order else "empty",
        width=page.sheet.width,
        height=page.sheet.height,
        dpi=page.sheet.dpi,
        rotation=page.found.rotation,
        text="\n".join(page.texts[place] for place in order),
        blocks=tuple(_block(f"b{number}", block, page, names) for number, block in enumerate(blocks, 1)),
        lines=tuple(
            _text_line(
                names[place],
                page.lines[place],
                page,
                box=boxes[place],
                confidence=doubted(
                    line_confidence(page.lines[place].reading),
                    page.texts[place],
                    printed=int(covered.printed[place]),
                    written=int(covered.written[place]),
                    unknown_script=unknown,
                ),
            )
            for place in order
        )
        + tuple(_junk_line(f"l{number}", line, page) for number, line in enumerate(page.junk, len(order) + 1)),
        tables=tuple(_table(f"t{number}", table, page, names) for number, table in enumerate(filter(None, tables), 1)),
        warnings=(
            *page.sheet.warnings,
            *_text_warnings(covered, unknown),
            *((STAMP_OVER_PRINT,) if page.found.stamped else ()),
            *((SHOW_THROUGH,) if page.settled.through else ()),
            *((SPECKS,) if page.settled.specks else ()),
            *_warnings(tables, lost=bool(read.errors)),
        ),
        text_not_read=covered.missing_share,
    )


def _blocks(page: _Upright) -> list[FoundBlock]:
    """The blocks of the page's print in reading order, then those of its stamps, which lie across it."""
    width, height = page.size
    print_lines = sum(not line.stamp for line in page.lines)
    of_print = find_blocks(
        page.polygons[:print_lines],
        page.texts[:print_lines],
        regions=page.found.regions,
        tables=list(page.tables),
        width=width,
        height=height,
    )
    if print_lines == len(page.lines):
        return list(of_print)
    of_stamps = find_blocks(
        page.polygons[print_lines:], page.texts[print_lines:], regions=(), tables=(), width=width, height=height
    )
    moved = (replace(block, lines=tuple(print_lines + line for line in block.lines)) for block in of_stamps)
    return [*of_print, *moved]


def _upright(read: PageRead, *, correct: bool) -> _Upright:
    every = settled([answer for answer in read.answers if isinstance(answer, Line)])
    sheet, found = cast(Sheet, read.sheet), cast(Found, read.found)
    width, height = (sheet.width, sheet.height) if found.rotation in (0, 180) else (sheet.height, sheet.width)
    lines = with_check_boxes(
        delivered(sorted(every.own, key=lambda line: line.stamp), correct=correct),
        sheet.check_boxes,
        found.rotation,
        width=width,
        height=height,
    )
    return _Upright(
        sheet,
        found,
        lines,
        polygons_of(lines),
        tuple(line.reading.text for line in lines),
        {answer.region: answer for answer in read.answers if isinstance(answer, TableSeen)},
        every,
    )


def _read_table(seen: TableSeen, block: FoundBlock, page: _Upright) -> _Placed | None:
    members = tuple(sorted(block.lines))
    if not members:
        return None
    texts = [page.texts[line] for line in members]
    table = read_table(seen.candidates, page.polygons[list(members)], texts, ruled=seen.ruled)
    return _Placed(table, members) if table is not None else None


def _text_warnings(covered: Coverage, unknown_script: bool) -> Iterator[str]:
    if covered.missing >= NOT_READ_CHARACTERS:
        yield TEXT_NOT_READ
    if unknown_script:
        yield SCRIPT_UNSUPPORTED


def _warnings(tables: Sequence[_Placed | None], *, lost: bool) -> Iterator[str]:
    if lost or None in tables:
        yield TABLE_UNREADABLE
    if any(placed.table.confidence < DOUBTFUL for placed in tables if placed is not None):
        yield TABLE_DOUBTFUL


def _block(name: str, block: FoundBlock, page: _Upright, names: Mapping[int, str]) -> Block:
    x0, y0, x1, y1 = block.box
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    return Block(id=name, kind=block.kind, polygon=page.shown(corners), lines=tuple(names[one] for one in block.lines))


def _table(name: str, placed: _Placed, page: _Upright, names: Mapping[int, str]) -> Table:
    table = placed.table
    return Table(
        id=name,
        polygon=page.shown(table.polygon),
        row_count=table.row_count,
        column_count=table.column_count,
        cells=tuple(
            Cell(
                row=cell.row,
                column=cell.column,
                row_span=cell.row_span,
                column_span=cell.column_span,
                header=cell.header,
                text=cell.text,
                polygon=page.shown(cell.polygon),
                lines=tuple(names[placed.lines[one]] for one in cell.lines),
            )
            for cell in table.cells
        ),
        html=table.html,
        confidence=table.confidence,
    )


def _text_line(name: str, line: Delivered, page: _Upright, *, box: Polygons, confidence: float) -> TextLine:
    polygon = page.shown(box)
    return TextLine(
        id=name,
        text=line.reading.text,
        confidence=min(max(0.0, float(confidence)), 1.0),  # not-a-number becomes 0
        read_as=line.read_as,
        polygon=polygon,
        bbox=relative_box(polygon, width=page.sheet.width, height=page.sheet.height),
    )


def _junk_line(name: str, line: Line, page: _Upright) -> TextLine:
    delivered = Delivered(line.polygon, line.reading, line.reading)
    shown = _text_line(name, delivered, page, box=line.polygon, confidence=line_confidence(line.reading))
    return shown.model_copy(update={"junk": True})
