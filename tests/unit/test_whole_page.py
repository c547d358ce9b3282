"""One page through an engine: what is kept of it, and where its time is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.bench import bare
from pipeline.bench.bare import BareSide
from pipeline.decode.limits import DecodeLimits
from pipeline.engines.base import Image, Reading, Regions
from pipeline.engines.fake import FakeEngine, draw_page
from pipeline.engines.whole_page import read_page
from tests.worker import picture


@dataclass(frozen=True)
class Clocked(FakeEngine):
    """Its detector takes 10 s and its recogniser 20, by the clock it is given."""

    clock: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(now=0.0))

    def detect(self, pages: Sequence[Image], shares: Sequence[float] | None = None) -> list[Regions]:
        self.clock.now += 10
        return super().detect(pages, shares)

    def recognise(self, crops: Sequence[Image]) -> list[Reading]:
        self.clock.now += 20
        return super().recognise(crops)


def test_each_line_keeps_its_crop():
    """Lines and crops come in the same order, and a crop says what its line does."""
    engine = FakeEngine()
    page, crops = read_page(engine, draw_page(["one", "three"]))
    assert [line.text for line in page.lines] == ["one", "three"]
    assert [reading.text for reading in engine.recognise(crops)] == ["one", "three"]


def test_nothing_found_is_nothing_to_read():
    """The recogniser of a page without lines is not asked."""
    engine = Clocked()
    page, crops = read_page(engine, draw_page([]))
    assert (page.lines, crops, engine.clock.now) == ((), [], 10)


def test_a_step_within_another_is_counted_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Finding and reading lines are no part of cutting them out; all steps together are the pass."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(bare, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    (tmp_path / "a.png").write_bytes(picture("one", "two"))
    done = BareSide([Clocked(clock=clock)], DecodeLimits(), 200).run({"a": tmp_path / "a.png"}, lambda pages: None)
    assert done.stages == {"decode": 0, "detect": 10, "crop": 0, "recognise": 20}
    assert (done.seconds, done.busy_share, done.lines) == (30, 1, 2)
