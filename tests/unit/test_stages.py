"""Laws of the stages: a page that stands on its side or its head, from its pixels to its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.events import PageRead, PartFailed
from pipeline.engines.base import Image, Reading, Regions, TableCrop
from pipeline.engines.fake import FakeEngine, Table, draw_page, read_frame
from pipeline.errors import Retryable
from pipeline.ocr.geometry import crop
from pipeline.ocr.layout import Region
from pipeline.ocr.orientation import Rotation, Turn, turned
from pipeline.ocr.tables.structure import Structure
from pipeline.stages.detect import detect
from pipeline.stages.page import TABLE_DOUBTFUL, TABLE_UNREADABLE, compose_page
from pipeline.stages.parts import Found, Page, Sheet
from pipeline.stages.recognise import recognise
from pipeline.stages.tables import tables
from schemas.pages import PageResult
from tests.unit.test_ocr_ink import page_of

IDS = {"document_id": "0" * 8 + "-0000-5000-8000-" + "0" * 12, "result_id": "1" * 8 + "-0000-5000-8000-" + "1" * 12}
ROTATIONS: tuple[Rotation, ...] = (0, 90, 180, 270)


@dataclass(frozen=True, slots=True)
class Told(FakeEngine):
    """An engine that says of every page how it stands (`says`), and of every table what it is (`answers`)."""

    says: Rotation = 0
    answers: tuple[Structure, ...] | None = None
    layout_is_asked: bool = True

    def orient(self, pages: Sequence[Image]) -> list[Turn]:
        return [Turn(self.says, 0.99) for _ in pages]

    def lay_out(self, pages: Sequence[Image]) -> list[tuple[Region, ...]]:
        assert self.layout_is_asked or not pages
        return FakeEngine.lay_out(self, pages)

    def read_structure(self, crops: Sequence[TableCrop]) -> list[tuple[Structure, ...]]:
        return FakeEngine.read_structure(self, crops) if self.answers is None else [self.answers for _ in crops]


def read(engine: FakeEngine, image: Image, *, wanted: bool = False, correct: bool = True) -> PageResult:
    [detected] = detect(engine, [Page(image, tables=wanted)])
    by_stage = {"recognise": recognise, "tables": tables}
    answers = [by_stage[part.stage](engine, [part.payload])[0] for part in detected.parts]  # type: ignore[operator]
    sheet = Sheet(1, image.shape[1], image.shape[0], 200, ())
    return compose_page(PageRead(1, sheet, detected.page, tuple(answers)), correct=correct, **IDS)


WORDS = st.text("abcdef ", min_size=3, max_size=12).filter(str.strip)


@given(st.sampled_from(ROTATIONS), st.lists(WORDS, min_size=1, max_size=4))
def test_what_a_record_says_lies_where_a_viewer_shows_it(rotation: Rotation, texts: list[str]) -> None:
    """However a page stands, cutting its own pixels at a line's polygon gives that line, upright."""
    standing = turned(draw_page(texts), rotation)
    page = read(FakeEngine(), standing)
    assert page.rotation == (-rotation) % 360
    assert [line.text for line in page.lines or ()] == texts
    for line in page.lines or ():
        assert read_frame(crop(standing, np.array(line.polygon, np.float32))) == line.text


@dataclass(frozen=True, slots=True)
class Shortsighted(FakeEngine):
    """An engine that usually shows a page with a tenth of its size; `asked`: the shares that it is told to show."""

    asked: list[float] = field(default_factory=list)

    def page_share(self, height: int, width: int) -> float:
        del height, width
        return 0.1

    def detect(self, pages: Sequence[Image], shares: Sequence[float] | None = None) -> list[Regions]:
        self.asked.extend(shares or ())
        return FakeEngine.detect(self, pages, shares)


def test_a_page_of_small_print_is_detected_at_the_size_of_its_print() -> None:
    """Pages of one batch are each shown as large as their own print needs."""
    engine = Shortsighted()
    pages = [Page(page_of(12, size), tables=False) for size in (20, 40)]
    detect(engine, pages)
    small, large = engine.asked[:2]
    assert small == pytest.approx(2 * large, rel=0.2)
    assert large > 0.1


@pytest.mark.parametrize("rotation", ROTATIONS[1:])
def test_a_page_is_not_turned_for_the_worse(rotation: Rotation) -> None:
    """A page that stands upright stays as it is, whatever is said of it, for its lines read worse turned."""
    page = read(Told(says=rotation), draw_page(["it stands upright", "as it is"]))
    assert (page.rotation, page.text) == (0, "it stands upright\nas it is")


def test_a_page_without_lines_is_not_turned() -> None:
    """Where nothing is read there is no way up: a blank page stays as it is."""
    [detected] = detect(Told(says=180), [Page(np.full((90, 120, 3), 255, np.uint8), tables=False)])
    assert detected.parts == ()
    assert isinstance(detected.page, Found)
    assert detected.page.rotation == 0


@dataclass(frozen=True, slots=True)
class Foreign(FakeEngine):
    """An engine that hardly knows the script: it says how a page stands, and how surely it reads it so and turned."""

    sure: float = 1.0
    before: float = 0.3
    after: float = 0.3

    def orient(self, pages: Sequence[Image]) -> list[Turn]:
        return [Turn(180, self.sure) for _ in pages]

    def recognise(self, crops: Sequence[Image]) -> list[Reading]:
        upright = all(reading.text for reading in FakeEngine.recognise(self, crops))
        return [Reading("scrawl", self.before if upright else self.after) for _ in crops]


@pytest.mark.parametrize(
    ("sure", "before", "after", "rotation"),
    [
        (0.8, 0.3, 0.4, 0),
        (0.9, 0.4, 0.3, 180),
        (0.8, 0.3, 0.5, 180),
        (0.9, 0.5, 0.3, 0),
        (0.5, 0.3, 0.9, 180),
        (0.99, 0.7, 0.6, 0),
    ],
)
def test_a_page_that_cant_be_read_is_turned_where_that_is_sure(
    sure: float, before: float, after: float, rotation: Rotation
) -> None:
    """Where neither way can be read, small differences prove nothing: a mere guess does not turn a page, and what is
    sure does. Where one can be read, that decides."""
    engine = Foreign(sure=sure, before=before, after=after)
    assert read(engine, draw_page(["one line", "and another"])).rotation == rotation


@dataclass(frozen=True, slots=True)
class Doubting(FakeEngine):
    """An engine that could read every `é` as `e`."""

    def recognise(self, crops: Sequence[Image]) -> list[Reading]:
        return [
            replace(one, plain=Reading(one.text.replace("é", "e"), 0.4)) for one in FakeEngine.recognise(self, crops)
        ]


def test_a_page_in_plain_letters_is_read_so() -> None:
    """A single accent is a speck, and its line as sure as that; where accents abound they are meant."""
    speck, meant = (read(Doubting(), draw_page(texts)) for texts in (["the invoicé of may"], ["thé glacé", "été"]))
    assert (speck.text, [line.confidence for line in speck.lines or ()]) == ("the invoice of may", [0.4])
    assert meant.text == "thé glacé\nété"


def test_a_corrected_line_tells_what_was_read() -> None:
    """`read_as` is the recogniser's own text where the line's is another, and null on lines that nothing changed."""
    page = read(Doubting(), draw_page(["the invoicé of may", "thanks for paying"]))
    assert [(line.text, line.read_as) for line in page.lines or ()] == [
        ("the invoice of may", "the invoicé of may"),
        ("thanks for paying", None),
    ]


def test_text_stays_as_it_was_read_where_nobody_wants_it_corrected() -> None:
    """Without corrections every line, and every cell, says what the recogniser read."""
    rows = (("itém", "price"), ("pen", "two"), ("ink", "nine"))
    page = read(Doubting(), draw_page(["above", Table(rows), "below"]), wanted=True, correct=False)
    assert page.text == "above\nitém\nprice\npen\ntwo\nink\nnine\nbelow"
    assert [line.read_as for line in page.lines or ()] == [None] * 8
    assert next(cell.text for table in page.tables or () for cell in table.cells) == "itém"


ROWS = (("item", "price"), ("pen", "two"), ("ink", "nine"))


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_a_table_comes_with_its_page(rotation: Rotation) -> None:
    """Whichever way up a page stands, a table on it has its rows, its text is in its cells, and its cells lie where a
    viewer shows them."""
    page = read(FakeEngine(), turned(draw_page(["above", Table(ROWS), "below"]), rotation), wanted=True)
    [table] = page.tables or ()
    assert (table.row_count, table.column_count) == (3, 2)
    assert tuple(tuple(cell.text for cell in table.cells if cell.row == row) for row in range(3)) == ROWS
    lines = {line.id: line for line in page.lines or ()}
    for cell in table.cells:
        [name] = cell.lines
        assert lines[name].text == cell.text
        outline = np.array(cell.polygon, np.float32)
        assert cv2.pointPolygonTest(outline, np.mean(lines[name].polygon, axis=0).tolist(), measureDist=False) > 0
    assert [block.kind for block in page.blocks or ()] == ["text", "table", "text"]
    assert page.text == "above\nitem\nprice\npen\ntwo\nink\nnine\nbelow"
    assert page.warnings == ()


@dataclass(frozen=True, slots=True)
class Sweeping(FakeEngine):
    """An engine that sees cells twice as large as they are."""

    def read_structure(self, crops: Sequence[TableCrop]) -> list[tuple[Structure, ...]]:
        ((one,),) = FakeEngine.read_structure(self, crops)
        middle = one.boxes.mean(axis=(0, 1))
        return [(replace(one, boxes=(one.boxes - middle) * 2 + middle),)]


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_what_lies_on_a_page_ends_with_it(rotation: Rotation) -> None:
    """Borders of a table's outer cells are guessed, and may lie beyond the page; in its record they don't."""
    drawn = draw_page([Table(ROWS)])[23:-23, 23:-23]
    page = read(Sweeping(), turned(np.ascontiguousarray(drawn), rotation), wanted=True)
    [table] = page.tables or ()
    corners = np.array([table.polygon, *(cell.polygon for cell in table.cells)])
    assert (corners >= 0).all()
    assert (corners <= (page.width, page.height)).all()


@dataclass(frozen=True, slots=True)
class Melting(FakeEngine):
    """An engine that takes two columns for one."""

    def read_structure(self, crops: Sequence[TableCrop]) -> list[tuple[Structure, ...]]:
        ((one,),) = FakeEngine.read_structure(self, crops)
        left, right = one.boxes[::2], one.boxes[1::2]
        wide = np.stack([left[:, 0], right[:, 1], right[:, 2], left[:, 3]], axis=1)
        tokens = ("<tr>", "<td></td>", "</tr>") * len(wide)
        return [(Structure(tokens, wide, np.full(len(tokens), 0.99, np.float32)),)]


def test_a_table_that_contradicts_its_lines_is_doubtful() -> None:
    """It is there, with a confidence below a half, and the page says so; its lines are all in its cells."""
    page = read(Melting(), draw_page(["above", Table(ROWS), "below"]), wanted=True)
    [table] = page.tables or ()
    assert (table.column_count, page.warnings) == (1, (TABLE_DOUBTFUL,))
    assert table.confidence < 0.5
    assert sum(len(cell.lines) for cell in table.cells) == 6


def test_a_table_that_failed_is_told() -> None:
    """The page has its lines, and a warning in place of the table; what its file was warned of is there too."""
    image = draw_page(["above", Table(ROWS), "below"])
    engine = FakeEngine()
    [detected] = detect(engine, [Page(image, tables=True)])
    lines = recognise(engine, [part.payload for part in detected.parts if part.stage == "recognise"])  # type: ignore[misc]
    lost = PartFailed(Retryable("It broke.", code="engine_failed", stage="tables"))
    sheet = Sheet(1, image.shape[1], image.shape[0], 200, ("icc_ignored",))
    page = compose_page(PageRead(1, sheet, detected.page, (*lines, lost)), correct=True, **IDS)
    assert page.text == "above\nitem\nprice\npen\ntwo\nink\nnine\nbelow"
    assert (page.tables, page.warnings) == ((), ("icc_ignored", TABLE_UNREADABLE))


def test_a_table_that_is_no_table_is_told() -> None:
    """Where the network's answer can't be a table, the page keeps its lines and says so."""
    engine = Told(answers=())
    page = read(engine, draw_page(["above", Table(ROWS), "below"]), wanted=True)
    assert (page.tables, page.warnings, len(page.lines or ())) == ((), (TABLE_UNREADABLE,), 8)


def test_nobody_looks_for_tables_unasked() -> None:
    """Where tables are not wanted the engine is never asked for layout, and no table is looked at."""
    page = read(Told(layout_is_asked=False), draw_page(["above", Table(ROWS), "below"]))
    assert (page.tables, page.warnings, len(page.lines or ())) == ((), (), 8)
    assert {name for block in page.blocks or () for name in block.lines} == {line.id for line in page.lines or ()}


@dataclass(frozen=True, slots=True)
class Blind(FakeEngine):
    """An engine whose layout network sees nothing on a page."""

    def lay_out(self, pages: Sequence[Image]) -> list[tuple[Region, ...]]:
        return [() for _ in pages]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_clear_grid_is_a_table_where_tables_are_wanted(wanted: bool) -> None:
    """Lines alone can make a table, but none that nobody asked for."""
    rows = tuple(("1200", "3400", "5600", "7800") for _ in range(6))
    page = read(Blind(), draw_page([Table(rows)]), wanted=wanted)
    assert [(table.row_count, table.column_count) for table in page.tables or ()] == [(6, 4)] * wanted
    assert len(page.lines or ()) == 24
