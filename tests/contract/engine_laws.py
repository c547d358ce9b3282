"""What every engine promises, written once; `test_engines.py` says over which engines."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from pipeline.engines.base import Engine, Image, Reading, Regions, TableCrop
from pipeline.ocr.geometry import crop, sizes
from pipeline.ocr.orientation import Rotation, turned
from pipeline.ocr.reading_order import reading_order
from pipeline.ocr.slanet import row_widths
from pipeline.ocr.tables.structure import Structure

TEXTS = (("Total 12.50", "Thank you"), ("INVOICE", "No. 20260117", "Due in 30 days"), ("One line",))
TABLE = (("Item", "Count", "Price"), ("Apples", "3", "4.50"), ("Bread", "1", "2.80"), ("Milk", "2", "1.90"))
TURNS: tuple[Rotation, ...] = (0, 90, 180, 270)
EXTREMES = ((1, 1), (1, 700), (700, 1), (3, 5), (9, 4000), (4000, 9), (63, 1), (40, 33))
"""Height and width of pages and crops that no document should have, and some do."""

ENOUGH_S = 60.0


@dataclass(frozen=True)
class Case:
    """Engines of two lanes, and how to draw a page they can read, and one with a table between two lines."""

    lanes: Sequence[Engine]
    draw: Callable[[Sequence[str]], Image]
    draw_table: Callable[[Sequence[Sequence[str]]], Image]

    @property
    def engine(self) -> Engine:
        return self.lanes[0]

    def pages(self) -> list[Image]:
        return [self.draw(lines) for lines in TEXTS]

    def crops(self) -> list[Image]:
        return [piece for page in self.pages() for piece in crops_of(self.engine, page)]


def crops_of(engine: Engine, page: Image) -> list[Image]:
    (found,) = engine.detect([page])
    return [crop(page, polygon) for polygon in found.polygons[reading_order(found.polygons)]]


def table_of(engine: Engine, page: Image) -> TableCrop:
    """The one table of a page, cut out as layout says, with the text that lies there."""
    (found,) = engine.detect([page])
    (regions,) = engine.lay_out([page])
    (box,) = (region.box for region in regions if region.kind == "table")
    x0, y0, x1, y1 = (round(side) for side in box)
    middles = found.polygons.mean(axis=1)
    inside = found.polygons[((middles > (x0, y0)) & (middles < (x1, y1))).all(axis=1)].reshape(-1, 2) - (x0, y0)
    left, top, right, bottom = (*inside.min(axis=0).tolist(), *inside.max(axis=0).tolist())
    return TableCrop(page[y0:y1, x0:x1], (left, top, right, bottom))


def blank(height: int, width: int, shade: int = 255) -> Image:
    return np.full((height, width, 3), shade, np.uint8)


def same_regions(one: Regions, other: Regions) -> bool:
    return np.array_equal(one.polygons, other.polygons) and np.array_equal(one.scores, other.scores)


def same_structures(one: Sequence[Structure], other: Sequence[Structure]) -> bool:
    return len(one) == len(other) and all(
        a.tokens == b.tokens and np.array_equal(a.boxes, b.boxes) and np.array_equal(a.scores, b.scores)
        for a, b in zip(one, other, strict=True)
    )


def words(readings: Sequence[Reading]) -> list[str]:
    return re.findall(r"\w+", " ".join(reading.text for reading in readings))


class EngineLaws:
    """Subclass and give a fixture `case`."""

    def test_reads_what_is_drawn(self, case: Case) -> None:
        """The words drawn on a page are read from its crops, in reading order, with confidence."""
        for lines, page in zip(TEXTS, case.pages(), strict=True):
            readings = case.engine.recognise(crops_of(case.engine, page))
            assert words(readings) == words([Reading(line, 1) for line in lines])
            assert all(0.5 < reading.mean_probability <= 1 for reading in readings)

    def test_answers_every_item_in_order(self, case: Case) -> None:
        """There are as many answers as items, and answer n is about item n."""
        pages, crops = case.pages(), case.crops()
        assert [len(found.polygons) for found in case.engine.detect(pages)] == [
            len(case.engine.detect([page])[0].polygons) for page in pages
        ]
        assert [r.text for r in case.engine.recognise(crops)] == [case.engine.recognise([c])[0].text for c in crops]

    def test_nothing_asked_nothing_answered(self, case: Case) -> None:
        """An empty batch has an empty answer."""
        assert list(case.engine.detect([])) == []
        assert list(case.engine.recognise([])) == []
        assert list(case.engine.orient([])) == []
        assert list(case.engine.lay_out([])) == []
        assert list(case.engine.read_structure([])) == []

    def test_company_changes_nothing(self, case: Case) -> None:
        """A page or crop is answered alike alone, in a batch, and in a batch in another order."""
        pages, crops = [*case.pages(), blank(50, 70)], [*case.crops(), blank(20, 90), blank(9, 9)]
        alone = [case.engine.detect([page])[0] for page in pages]
        alone_read = [case.engine.recognise([piece])[0] for piece in crops]
        for seed in range(3):
            shuffled = random.Random(seed)
            places = shuffled.sample(range(len(pages)), len(pages))
            for place, found in zip(places, case.engine.detect([pages[p] for p in places]), strict=True):
                assert same_regions(found, alone[place])
            places = shuffled.sample(range(len(crops)), len(crops))
            assert case.engine.recognise([crops[p] for p in places]) == [alone_read[p] for p in places]

    def test_lanes_agree(self, case: Case) -> None:
        """Lanes working at the same time give the answers each gives alone."""
        pages, crops = case.pages(), case.crops()
        found, read = case.engine.detect(pages), case.engine.recognise(crops)
        answers: dict[int, tuple[list[Regions], list[Reading]]] = {}
        start = threading.Barrier(len(case.lanes))

        def work(number: int, engine: Engine) -> None:
            start.wait(ENOUGH_S)
            answers[number] = (engine.detect(pages), engine.recognise(crops))

        lanes = [threading.Thread(target=work, args=lane, daemon=True) for lane in enumerate(case.lanes)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join(ENOUGH_S)
        assert sorted(answers) == list(range(len(case.lanes)))
        for regions, readings in answers.values():
            assert all(same_regions(one, other) for one, other in zip(regions, found, strict=True))
            assert readings == read

    @pytest.mark.parametrize("shade", [0, 128, 255])
    def test_an_empty_page_has_no_text(self, case: Case, shade: int) -> None:
        """A page of one shade has no regions."""
        (found,) = case.engine.detect([blank(400, 300, shade)])
        assert found.polygons.shape == (0, 4, 2)
        assert found.scores.shape == (0,)

    def test_regions_are_as_promised(self, case: Case) -> None:
        """Boxes are (n, 4, 2) float32 inside the page, clockwise, first edge along the text; scores are 0 to 1."""
        for page, found in zip(case.pages(), case.engine.detect(case.pages()), strict=True):
            assert_regions(found, page)
            along, across = sizes(found.polygons).T
            edges = found.polygons[:, 1] - found.polygons[:, 0]
            assert (along > across).all()
            assert (np.abs(edges[:, 1]) < 0.1 * edges[:, 0]).all()

    @pytest.mark.parametrize(("height", "width"), EXTREMES)
    def test_pages_of_any_shape_are_answered(self, case: Case, height: int, width: int) -> None:
        """However small or slim a page is, the answer is well formed, and its crops can be read."""
        page = np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)
        (found,) = case.engine.detect([page])
        assert_regions(found, page)
        assert len(case.engine.recognise([crop(page, polygon) for polygon in found.polygons])) == len(found.polygons)

    @pytest.mark.parametrize(("height", "width"), [*EXTREMES, (900, 1200)])
    def test_crops_of_any_shape_are_answered(self, case: Case, height: int, width: int) -> None:
        """However tiny, slim or huge a crop is, the answer is a text with a confidence from 0 to 1."""
        (reading,) = case.engine.recognise([blank(height, width, 200)])
        assert isinstance(reading.text, str)
        assert 0 <= reading.mean_probability <= 1
        assert bool(reading.text) or reading.mean_probability == 0

    @pytest.mark.parametrize(("height", "width"), [*EXTREMES, (48, 320), (3000, 2000)])
    def test_buckets_follow_the_shape_alone(self, case: Case, height: int, width: int) -> None:
        """The bucket of a shape is hashable, costs something, and is the same on every lane."""
        for ask in ("page_bucket", "crop_bucket", "table_bucket"):
            buckets = {getattr(lane, ask)(height, width) for lane in case.lanes}
            assert len(buckets) == 1
            assert buckets.pop().cost > 0

    def test_arrays_are_left_alone(self, case: Case) -> None:
        """An engine writes to none of the arrays it is given."""
        pages, crops = case.pages(), case.crops()
        for array in (*pages, *crops):
            array.flags.writeable = False
        case.engine.detect(pages)
        case.engine.recognise(crops)
        case.engine.orient(pages)
        case.engine.lay_out(pages)
        case.engine.read_structure([TableCrop(page, whole(page)) for page in pages])

    @pytest.mark.parametrize("rotation", TURNS)
    def test_a_turned_page_is_told(self, case: Case, rotation: Rotation) -> None:
        """Turned by what the engine answers, a page is upright, whichever way it stood."""
        page = case.draw_table(TABLE)
        (turn,) = case.engine.orient([turned(page, undone(rotation))])
        assert turn.rotation == rotation
        assert 0.5 < turn.confidence <= 1

    def test_a_drawn_table_is_read(self, case: Case) -> None:
        """A table among lines is found by its layout, and read with its rows and columns, each cell over its text."""
        page = case.draw_table(TABLE)
        table = table_of(case.engine, page)
        (structures,) = case.engine.read_structure([table])
        assert 1 <= len(structures) <= 4
        assert row_widths(structures[0].tokens) == [len(row) for row in TABLE]
        (lines,) = case.engine.detect([table.image])
        middles = lines.polygons.mean(axis=1)
        low, high = structures[0].boxes.min(axis=1), structures[0].boxes.max(axis=1)
        over = ((middles[:, None] > low) & (middles[:, None] < high)).all(axis=2)
        assert over.any(axis=1).all()

    def test_structure_is_a_matter_of_the_item_alone(self, case: Case) -> None:
        """Turns, layouts and structures come in the order of what was asked, and company changes none of them."""
        pages = [case.draw_table(TABLE), *case.pages(), case.draw_table(TABLE[:3])]
        crops = [TableCrop(page, whole(page)) for page in pages]
        turns, layouts = case.lanes[0].orient(pages), case.lanes[0].lay_out(pages)
        structures = case.lanes[0].read_structure(crops)
        assert len(turns) == len(layouts) == len(structures) == len(pages)
        for place, (page, piece) in enumerate(zip(pages, crops, strict=True)):
            assert case.lanes[1].orient([page]) == [turns[place]]
            assert case.lanes[1].lay_out([page]) == [layouts[place]]
            assert same_structures(case.lanes[1].read_structure([piece])[0], structures[place])

    @pytest.mark.parametrize(("height", "width"), EXTREMES)
    def test_structure_of_any_shape_is_answered(self, case: Case, height: int, width: int) -> None:
        """However small or slim a page or a table is, the answer is well formed, and regions lie inside the page."""
        page = np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)
        (turn,) = case.engine.orient([page])
        assert turn.rotation in TURNS
        assert 0 <= turn.confidence <= 1
        (regions,) = case.engine.lay_out([page])
        for region in regions:
            x0, y0, x1, y1 = region.box
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            assert 0 <= region.score <= 1
        for text in (whole(page), (0.0, 0.0, 0.0, 0.0), (-9.0, -9.0, 2.0 * width, 2.0 * height)):
            (structures,) = case.engine.read_structure([TableCrop(page, text)])
            assert all(len(structure.tokens) == len(structure.scores) for structure in structures)
            assert all(structure.boxes.shape[1:] == (4, 2) for structure in structures)

    def test_says_what_it_runs(self, case: Case) -> None:
        """Every model is stamped with name, digest, runtime, device and precision, the same on every lane."""
        stamps = {lane.models for lane in case.lanes}
        assert len(stamps) == 1
        for stamp in stamps.pop():
            assert re.fullmatch(r"[0-9a-f]{64}", stamp.sha256)
            assert all((stamp.name, stamp.runtime, stamp.device, stamp.precision))


def whole(page: Image) -> tuple[float, float, float, float]:
    return 0.0, 0.0, float(page.shape[1]), float(page.shape[0])


def undone(rotation: Rotation) -> Rotation:
    """The turn after which `rotation` makes a page upright again."""
    return TURNS[-TURNS.index(rotation) % 4]


def assert_regions(found: Regions, page: Image) -> None:
    count = len(found.polygons)
    assert found.polygons.shape == (count, 4, 2)
    assert found.scores.shape == (count,)
    assert found.polygons.dtype == found.scores.dtype == np.float32
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    assert (found.polygons >= 0).all()
    assert (found.polygons <= np.array([page.shape[1], page.shape[0]])).all()
    x, y = found.polygons[:, :, 0], found.polygons[:, :, 1]
    turning = (x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)
    assert (turning >= 0).all()
