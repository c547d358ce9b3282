"""Laws of a look: small print is shown larger, usual print as usual, and what is left over is looked at again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.engines.base import Image, Regions
from pipeline.engines.fake import FakeEngine
from pipeline.ocr.geometry import no_polygons
from pipeline.ocr.ink import Ink
from pipeline.stages.look import LEGIBLE_PX, MOST_PIXELS, Look, look_at, look_closer
from tests.unit.table_answers import quads
from tests.unit.test_ocr_ink import page_of

NOTHING = Regions(no_polygons(), np.zeros(0, np.float32))


@dataclass(frozen=True, slots=True)
class Shrinking(FakeEngine):
    """An engine that usually shows a page with `usual` of its size, and finds `found` when it is shown larger."""

    usual: float = 1.0
    found: Regions = NOTHING
    asked: list[float] = field(default_factory=list)

    def page_share(self, height: int, width: int) -> float:
        del height, width
        return self.usual

    def detect(self, pages: Sequence[Image], shares: Sequence[float] | None = None) -> list[Regions]:
        self.asked.extend(shares or ())
        return [self.found for _ in pages]


@pytest.mark.parametrize("size", [16, 30, 60])
def test_small_print_is_shown_legibly(size: int) -> None:
    """However little of it is usually shown, print is as large as the detector needs, or as large as it is."""
    page = page_of(10, size)
    look = look_at(Shrinking(usual=0.1), page)
    shown = look.ink.height_px * look.share
    assert shown >= min(LEGIBLE_PX, look.ink.height_px)
    assert look.share <= 1


def test_legible_print_is_shown_as_usual() -> None:
    """A page that is read as it is takes no more time."""
    page = page_of(10, 60)
    assert look_at(Shrinking(usual=0.5), page).share == 0.5


@given(st.integers(1, 40_000), st.integers(1, 40_000))
def test_the_work_on_one_page_is_bounded(height: int, width: int) -> None:
    """The smallest print on the largest page makes no more pixels than `MOST_PIXELS`."""
    image = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (height, width, 3))
    left = 6 * np.arange(40, dtype=np.int32)
    letters = np.stack([left, np.zeros_like(left), left + 4, np.full_like(left, 4)], axis=1)
    engine = Shrinking(usual=1e-3)
    look_closer(engine, Look(image, Ink(letters), 1e-3), NOTHING)
    assert all(share * share * height * width <= 1.01 * MOST_PIXELS for share in engine.asked)


def test_lines_left_over_are_looked_at_larger() -> None:
    """Small lines that the first look missed are found by a second that shows them larger; its answer is taken."""
    page = page_of(10, 30)
    every = quads([(0, 30 + 60 * row, 1200, 85 + 60 * row) for row in range(10)])
    engine = Shrinking(found=Regions(every, np.ones(10, np.float32)))
    look = Look(page, look_at(Shrinking(), page).ink, 0.2)
    found = look_closer(engine, look, Regions(every[:7], np.ones(7, np.float32)))
    assert len(found.polygons) == 10
    assert len(engine.asked) == 1


def test_nothing_left_over_is_not_looked_at_again() -> None:
    """A page whose ink lies in lines costs no second look."""
    page = page_of(10, 30)
    every = quads([(0, 30 + 60 * row, 1200, 85 + 60 * row) for row in range(10)])
    engine = Shrinking()
    look_closer(engine, Look(page, look_at(engine, page).ink, 0.2), Regions(every, np.ones(10, np.float32)))
    assert engine.asked == []


def test_a_second_look_that_finds_less_is_not_taken() -> None:
    """The first answer stays where the larger page leaves more print over."""
    page = page_of(10, 30)
    some = Regions(quads([(0, 30 + 60 * row, 1200, 85 + 60 * row) for row in range(7)]), np.ones(7, np.float32))
    look = Look(page, look_at(Shrinking(), page).ink, 0.2)
    assert look_closer(Shrinking(found=NOTHING), look, some) is some
