"""A document as one HTML file."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from lxml import html
from PIL import Image

from pipeline.render.document import CONFIDENT, DOUBTFUL, MOST_PIXELS, UNSURE, confidence_hue, document_html, parts_of
from schemas.events import Options
from schemas.pages import Block, Cell, PageError, PageResult, Table, TextLine
from schemas.results import DocumentResult, Pipeline, Source

IDENT = "3b99b029-3b2d-5f80-8b76-a29145141c7e"
SHA = "0" * 64
NASTY = '<script>alert("x")</script> & <b>'
BROKEN = PageError(code="corrupt_pdf", stage="decode", message="Repair the PDF.")


def square(x: float, y: float, side: float = 20):
    return (x, y), (x + side, y), (x + side, y + side), (x, y + side)


def line(name: str, text: str = "words", *, confidence: float = 0.99, x: float = 10, y: float = 10) -> TextLine:
    return TextLine(id=name, text=text, confidence=confidence, polygon=square(x, y), bbox=(0.1, 0.1, 0.2, 0.2))


def block(name: str, kind: str, *lines: str) -> Block:
    return Block(id=name, kind=kind, polygon=square(5, 5, 60), lines=lines)


def table(name: str, *lines: str) -> Table:
    cells = [Cell(row=0, column=n, text="cell", polygon=square(40, 40), lines=(one,)) for n, one in enumerate(lines)]
    return Table(
        id=name, polygon=square(40, 40), row_count=1, column_count=len(cells), cells=cells, confidence=0.75, html=""
    )


def page(number: int = 1, **given) -> PageResult:
    facts = {"status": "ok", "width": 200, "height": 100} | given
    return PageResult(document_id=IDENT, result_id=IDENT, number=number, **facts)


def result(*pages: PageResult) -> DocumentResult:
    return DocumentResult(
        document_id=IDENT, result_id=IDENT, page_count=len(pages), pages=pages, options=Options(),
        status="partial" if any(one.status == "failed" for one in pages) else "complete",
        source=Source(bucket="b", key="k", size=1, sha256=SHA),
        pipeline=Pipeline(version="1", fingerprint=SHA, models=()),
    )  # fmt: skip


def shown(*pages: PageResult, pictures=None, title: str = "page.png"):
    """The file, parsed."""
    blank = np.full((100, 200, 3), 255, np.uint8)
    return html.fromstring(b"".join(document_html(result(*pages), pictures or (lambda number: blank), title=title)))


def texts(found, path: str) -> list[str]:
    return [" ".join(one.text_content().split()) for one in found.xpath(path)]


MIXED = page(
    lines=(line("l1", "head"), line("l2", "a"), line("l3", "b"), line("l4", "beside"), line("l5", "alone")),
    blocks=(block("b1", "title", "l1"), block("b2", "table", "l2", "l3", "l4"), block("b3", "figure")),
    tables=(table("t1", "l2", "l3"),),
)


def test_every_line_is_said_once():
    """In its block, or in a cell of its table; what is in no block comes last."""
    parts = parts_of(MIXED)
    assert [(part.id, part.kind, [one.id for one in part.lines]) for part in parts] == [
        ("b1", "title", ["l1"]),
        ("b2", "table", ["l4"]),
        ("b3", "figure", []),
        ("lines", "lines", ["l5"]),
    ]
    assert [part.table.id for part in parts if part.table] == ["t1"]


def test_junk_is_said_last():
    """Lines that are no text of the page stand apart from those that are."""
    junk = line("l2", "edis rehto").model_copy(update={"junk": True})
    parts = parts_of(page(lines=(line("l1"), junk, line("l3")), blocks=(block("b1", "text", "l1"),)))
    assert [(part.kind, [one.id for one in part.lines]) for part in parts] == [
        ("text", ["l1"]),
        ("lines", ["l3"]),
        ("junk", ["l2"]),
    ]


def test_each_table_stands_at_its_own_block():
    """By its lines, whatever the order of tables is; a block whose table could not be read keeps its lines."""
    many = page(
        lines=tuple(line(f"l{n}") for n in range(3)),
        blocks=tuple(block(f"b{n}", "table", f"l{n}") for n in range(3)),
        tables=(table("t2", "l2"), table("t0", "l0")),
    )
    found = [(part.table and part.table.id, len(part.lines)) for part in parts_of(many)]
    assert found == [("t0", 0), (None, 1), ("t2", 0)]


def test_a_table_without_a_block_is_shown_too():
    """After the blocks, and its lines are not said again."""
    parts = parts_of(page(lines=(line("l1"),), tables=(table("t1", "l1"),)))
    assert [(part.kind, part.lines, part.table and part.table.id) for part in parts] == [("table", (), "t1")]


def test_a_table_is_drawn_as_its_cells_say():
    """Rows, spans and heads; a cell with a line in doubt is marked, and text that runs leftwards may do so."""
    cells = [
        Cell(row=0, column=0, row_span=2, header=True, text="a\nb", polygon=square(0, 0), lines=("l1",)),
        Cell(row=0, column=1, column_span=2, header=True, text=NASTY, polygon=square(0, 0)),
        Cell(row=1, column=1, text="7", polygon=square(0, 0), lines=("l2", "l3")),
        Cell(row=1, column=2, text="", polygon=square(0, 0)),
    ]
    drawn = Table(
        id="t1", polygon=square(0, 0), row_count=2, column_count=3, cells=cells, confidence=0.75, html=""
    )  # fmt: skip
    lines = (line("l1"), line("l2"), line("l3", confidence=UNSURE - 0.1))
    found = shown(page(lines=lines, blocks=(block("b1", "table", "l1", "l2", "l3"),), tables=(drawn,)))
    rows = found.xpath("//table/tr | //table/tbody/tr")
    assert [[(cell.tag, cell.text, cell.get("rowspan"), cell.get("colspan")) for cell in row] for row in rows] == [
        [("th", "a\nb", "2", None), ("th", NASTY, None, "2")],
        [("td", "7", None, None), ("td", None, None, None)],
    ]
    assert [cell.text for cell in found.xpath("//table//*[@class='unsure']")] == ["7"]
    assert texts(found, "//span[@class='sure']") == ["2 × 3, structure 0.75"]
    assert set(found.xpath("//table//*[self::td or self::th]/@dir | //h1/@dir")) == {"auto"}


@pytest.mark.parametrize(
    ("rotation", "size", "number"), [(0, "200 100", "5"), (90, "100 200", "95"), (180, "200 100", "195")]
)
def test_a_page_is_shown_upright(rotation: int, size: str, number: str):
    """However it lies; the outlines lie with its picture, and a block's number is where the block begins."""
    one = page(rotation=rotation, blocks=(block("b1", "figure"),))
    (drawing,) = shown(one).xpath("//svg")
    assert drawing.get("viewbox") == f"0 0 {size}"
    assert len(drawing.xpath("./g/polygon | ./g/image")) == 2
    (turned,) = drawing.xpath("./g/@transform")
    assert f"rotate({rotation})" in turned or not rotation
    (label,) = drawing.xpath(".//text")
    assert label.text == "1"
    assert float(label.get("x")) == pytest.approx(float(number), abs=1)


def test_a_strip_can_be_drawn():
    """A side is never less than a pixel, nor more than browsers draw."""
    strip = np.zeros((40_000, 3, 3), np.uint8)
    (picture,) = shown(page(width=3, height=40_000), pictures=lambda number: strip).xpath("//svg//image")
    assert _kept(picture).size == (1, 16_000)
    assert picture.get("height") == "40000"


def test_the_surer_a_line_the_greener():
    """In the picture each has its own colour."""
    found = shown(page(lines=(line("l1", confidence=DOUBTFUL - 0.05), line("l2", confidence=1.0))))
    assert found.xpath("//polygon/@style") == ["--hue: 0", "--hue: 140"]


def test_outlines_are_in_the_frame_of_the_page():
    """The picture fills the page's own size, whatever size it is kept in, and polygons are as in the result."""
    found = shown(MIXED, pictures=lambda number: np.zeros((5000, 10000, 3), np.uint8))
    (drawing,) = found.xpath("//svg")
    (picture,) = found.xpath("//svg//image")
    assert drawing.get("viewbox") == "0 0 200 100"
    assert (picture.get("width"), picture.get("height")) == ("200", "100")
    assert _kept(picture).size == pytest.approx((2 * MOST_PIXELS**0.5 / 2**0.5, MOST_PIXELS**0.5 / 2**0.5), abs=2)
    assert [one.get("points") for one in found.xpath("//polygon[@class='line']")] == ["10,10 30,10 30,30 10,30"] * 5
    assert len(found.xpath("//polygon[contains(@class, 'cell')]")) == 2
    assert len(found.xpath("//polygon[@class='block']")) == 3


def test_colours_of_a_picture_stay():
    """Pixels come as blue, green, red."""
    blue = np.zeros((100, 200, 3), np.uint8)
    blue[..., 0] = 255
    (picture,) = shown(page(), pictures=lambda number: blue).xpath("//svg//image")
    assert _kept(picture).getpixel((50, 50)) == pytest.approx((0, 0, 255), abs=8)


def test_a_block_leads_from_the_picture_to_the_text_and_back():
    """Each link has its one end, on pages that have blocks of the same name too."""
    found = shown(MIXED, MIXED.model_copy(update={"number": 2}))
    ends = [one[1:] for one in found.xpath("//@href") if one.startswith("#")]
    names = found.xpath("//@id")
    assert len(names) == len(set(names))
    assert set(ends) == {f"p{n}-{side}-b{block}" for n in (1, 2) for side in ("said", "seen") for block in (1, 2, 3)}
    assert set(ends) <= set(names)


def test_without_a_picture_nothing_leads_there():
    """A page that can't be drawn has no links."""
    assert shown(MIXED, pictures=lambda number: BROKEN).xpath("//@href") == []


def test_text_of_a_document_is_never_markup():
    """Neither in a line, nor in the name of a file; and nothing is loaded from anywhere."""
    found = shown(page(lines=(line("l1", NASTY),)), title=NASTY)
    assert found.xpath("//script | //b") == []
    assert texts(found, "//h1") == [NASTY]
    assert texts(found, "//div[@class='said']/div/div") == [NASTY]
    assert [one for one in found.xpath("//@href | //@src") if not re.match("#|data:image/jpeg;base64,", one)] == []
    assert found.xpath("//meta[@http-equiv]/@content") == [
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    ]


def test_doubtful_lines_are_marked_and_counted():
    """Those below the limit, and no others."""
    found = shown(page(lines=(line("l1", "sure", confidence=UNSURE), line("l2", "maybe", confidence=UNSURE - 0.01))))
    assert texts(found, "//div[contains(@class, 'unsure')]") == ["maybe"]
    assert "2 lines, 1 doubtful, 200 × 100 px" in texts(found, "//h2")[0]


def test_what_is_known_of_a_page_is_said():
    """Its warnings, its resolution, and how far it is turned."""
    (head,) = texts(shown(page(dpi=300, rotation=270, warnings=("data_damaged", "table_doubtful"))), "//h2")
    assert head == "Page 1 0 lines, 200 × 100 px at 300 dpi, turned by 270° to be upright, data_damaged, table_doubtful"


@pytest.mark.parametrize(
    ("one", "pictures"),
    [(page(status="failed", error=BROKEN), None), (page(lines=(line("l1", "read"),)), lambda number: BROKEN)],
)
def test_a_missing_picture_says_why(one, pictures):
    """Of a page that could not be read, and of one that can't be drawn any more, whose text is there all the same."""
    found = shown(one, pictures=pictures)
    assert found.xpath("//svg") == []
    assert texts(found, "//p[@class='error']") == ["corrupt_pdf: Repair the PDF."]
    assert texts(found, "//div[@class='said']/div/div") == [line.text for line in one.lines]


def test_what_was_not_asked_for_is_not_drawn():
    """Skipped pages are counted; their pictures are not made. An empty page says that it is."""
    asked: list[int] = []

    def pictures(number: int):
        asked.append(number)
        return np.zeros((10, 10, 3), np.uint8)

    found = shown(page(1, status="skipped"), page(2, status="empty"), page(3, status="skipped"), pictures=pictures)
    assert asked == [2]
    assert "3 pages, of which 1 here" in texts(found, "//div[@class='facts']")[0]
    assert texts(found, "//div[@class='said']") == ["There is nothing to read on this page."]


def test_one_picture_is_held_at_a_time():
    """The first page is written before the second one's picture is made."""
    asked: list[int] = []

    def pictures(number: int):
        asked.append(number)
        return np.zeros((10, 10, 3), np.uint8)

    pieces = document_html(result(page(1), page(2)), pictures, title="t")
    while b"</svg>" not in next(pieces):
        pass
    assert asked == [1]


def test_colours_go_from_red_to_green():
    """The surer, the greener, and never outside the scale."""
    assert [confidence_hue(score) for score in (0.0, DOUBTFUL, (DOUBTFUL + CONFIDENT) / 2, CONFIDENT, 1.0)] == [
        0,
        0,
        70,
        140,
        140,
    ]


def _kept(picture) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(picture.get("href").partition(",")[2])))
