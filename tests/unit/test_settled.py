"""Laws of pages with turned lines, stamps and junk, from what was read to the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from pipeline.core.events import PageRead
from pipeline.engines.base import Image, Reading, Regions
from pipeline.engines.fake import FakeEngine, draw_page
from pipeline.ocr.geometry import orient
from pipeline.ocr.ink import Ink
from pipeline.ocr.orientation import Rotation, turned
from pipeline.ocr.show_through import FaintRead
from pipeline.stages.page import SHOW_THROUGH, SPECKS, STAMP_OVER_PRINT, compose_page
from pipeline.stages.parts import Found, Line, Sheet
from schemas.pages import PageResult
from tests.unit.table_answers import quads
from tests.unit.test_stages import IDS, read


def beside(page: Image, *others: Image) -> Image:
    """Pages side by side on one sheet."""
    height = max(image.shape[0] for image in (page, *others))
    padded = [
        np.pad(image, ((0, height - image.shape[0]), (0, 0), (0, 0)), constant_values=255) for image in (page, *others)
    ]
    return np.concatenate(padded, axis=1)


@dataclass(frozen=True, slots=True)
class Orienting(FakeEngine):
    """An engine that boxes lines as a detector does: a tall box is taken for a line that runs down the page."""

    def detect(self, pages: Sequence[Image], shares: Sequence[float] | None = None) -> list[Regions]:
        return [replace(found, polygons=orient(found.polygons)) for found in FakeEngine.detect(self, pages, shares)]


@pytest.mark.parametrize("rotation", [90, 270])
def test_lines_in_the_margin_are_read_up_and_down(rotation: Rotation) -> None:
    """A line beside upright ones is read the way it runs, and its polygon begins at its own top left."""
    upright = draw_page(["the first line", "and the second"])
    page = read(Orienting(), beside(upright, turned(draw_page(["copy no. 7"]), rotation)))
    assert sorted((page.text or "").split("\n")) == ["and the second", "copy no. 7", "the first line"]
    [margin] = [line for line in page.lines or () if line.text == "copy no. 7"]
    (x0, y0), (x1, y1), *_ = margin.polygon
    assert abs(x1 - x0) < 1
    assert (y1 > y0) == (rotation == 90)


def line_at(top: int, reading: Reading, **ways: Any) -> Line:
    return Line(quads([(20, top, 300, top + 30)])[0], reading, **ways)


def composed(*lines: Line, stamped: bool = False) -> PageResult:
    sheet = Sheet(1, 400, 300, 200, ())
    found = Found(0, Ink(np.zeros((0, 4), np.int32)), stamped=stamped)
    return compose_page(PageRead(1, sheet, found, lines), correct=True, **IDS)


def mirrored(text: str) -> Line:
    backwards = Reading(text[::-1], 0.6)
    return line_at(200, backwards, faint=FaintRead(backwards, Reading(text, 0.95), None))


def test_print_of_the_other_side_is_junk() -> None:
    """It is delivered as a line that says so, in no block and not in the page's text, and the page warns of it."""
    page = composed(line_at(20, Reading("this side", 0.99)), mirrored("the other side"))
    assert (page.text, page.warnings) == ("this side", (SHOW_THROUGH,))
    assert [(line.text, line.junk) for line in page.lines or ()] == [("this side", False), ("edis rehto eht", True)]
    assert [name for block in page.blocks or () for name in block.lines] == ["l1"]


def test_a_page_of_junk_is_empty() -> None:
    """The back of a sheet, on which only the front shows through, has no text."""
    page = composed(mirrored("the other side"))
    assert (page.status, page.text, page.blocks) == ("empty", "", ())
    assert [(line.id, line.junk) for line in page.lines or ()] == [("l1", True)]


def test_specks_are_junk() -> None:
    """A character that can't be told from dirt stays out of the page's text."""
    page = composed(line_at(20, Reading("this side", 0.99)), line_at(200, Reading("x", 0.2)))
    assert (page.text, page.warnings) == ("this side", (SPECKS,))


def test_text_of_a_stamp_comes_last() -> None:
    """It lies across other lines: it is in a block of its own, after the page's print, and the page says so."""
    page = composed(
        line_at(20, Reading("the first line", 0.99)),
        line_at(40, Reading("PAID", 0.99), stamp=True),
        line_at(60, Reading("the second line", 0.99)),
        stamped=True,
    )
    assert (page.text, page.warnings) == ("the first line\nthe second line\nPAID", (STAMP_OVER_PRINT,))
    assert (page.blocks or ())[-1].lines == ("l3",)
