"""Laws of the stages: a page that stands on its side or its head, from its pixels to its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.events import PageRead
from pipeline.engines.base import Image
from pipeline.engines.fake import FakeEngine, draw_page, read_frame
from pipeline.ocr.geometry import crop
from pipeline.ocr.orientation import Rotation, Turn, turned
from pipeline.stages.detect import detect
from pipeline.stages.page import compose_page
from pipeline.stages.parts import Crop, Found, Page, Sheet
from pipeline.stages.recognise import recognise
from schemas.pages import PageResult

IDS = {"document_id": "0" * 8 + "-0000-5000-8000-" + "0" * 12, "result_id": "1" * 8 + "-0000-5000-8000-" + "1" * 12}
ROTATIONS: tuple[Rotation, ...] = (0, 90, 180, 270)


@dataclass(frozen=True, slots=True)
class Told(FakeEngine):
    """An engine that always says the same of how a page stands."""

    says: Rotation = 0

    def orient(self, pages: Sequence[Image]) -> list[Turn]:
        return [Turn(self.says, 0.99) for _ in pages]


def read(engine: FakeEngine, image: Image) -> PageResult:
    [detected] = detect(engine, [Page(image, tables=False)])
    crops = [part.payload for part in detected.parts]
    assert all(isinstance(piece, Crop) for piece in crops)
    lines = recognise(engine, crops)  # type: ignore[arg-type]
    sheet = Sheet(1, image.shape[1], image.shape[0], 200, ())
    return compose_page(PageRead(1, sheet, detected.page, tuple(lines)), **IDS)


@given(st.sampled_from(ROTATIONS), st.lists(st.text("abcdef ", min_size=3, max_size=12), min_size=1, max_size=4))
def test_what_a_record_says_lies_where_a_viewer_shows_it(rotation: Rotation, texts: list[str]) -> None:
    """However a page stands, cutting its own pixels at a line's polygon gives that line, upright."""
    standing = turned(draw_page(texts), rotation)
    page = read(FakeEngine(), standing)
    assert page.rotation == (-rotation) % 360
    assert [line.text for line in page.lines or ()] == texts
    for line in page.lines or ():
        assert read_frame(crop(standing, np.array(line.polygon, np.float32))) == line.text


@pytest.mark.parametrize("rotation", ROTATIONS[1:])
def test_a_page_is_not_turned_for_the_worse(rotation: Rotation) -> None:
    """A page that stands upright stays as it is, whatever is said of it, for its lines read worse turned."""
    page = read(Told(says=rotation), draw_page(["it stands upright", "as it is"]))
    assert (page.rotation, page.text) == (0, "it stands upright\nas it is")


def test_a_page_without_lines_is_not_turned() -> None:
    """Where nothing is read there is no way up: a blank page stays as it is."""
    [detected] = detect(Told(says=180), [Page(np.full((90, 120, 3), 255, np.uint8), tables=False)])
    assert (detected.parts, detected.page) == ((), Found(0))
