"""The engines that keep the laws, and what each does beyond them."""

from __future__ import annotations

import importlib.util
import multiprocessing
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from pipeline.engines import session
from pipeline.engines.base import EngineSettings, Image, TableCrop, load
from pipeline.engines.build import build
from pipeline.engines.fake import FakeEngine, Fault, Table, draw_page, mark
from pipeline.engines.onnx_batched import BatchedEngine, load_batched
from pipeline.engines.shapes import Runs
from pipeline.engines.structure import load_structure
from pipeline.errors import Fatal, Rejected, Retryable
from pipeline.ocr.orientation import Turn
from pipeline.ocr.preprocess import PageLimits
from pipeline.ocr.slanet import row_widths
from tests.contract.engine_laws import Case, EngineLaws, crops_of


def print_page(lines: Sequence[str]) -> Image:
    """Black print on white, as a scanner would see it."""
    page = Pillow.new("RGB", (640, 60 + 90 * len(lines)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(42)
    for row, line in enumerate(lines):
        pen.text((40, 40 + 90 * row), line, fill="black", font=font)
    return np.ascontiguousarray(np.asarray(page)[:, :, ::-1])


def print_table(rows: Sequence[Sequence[str]]) -> Image:
    """A ruled table between lines of print, on a portrait page."""
    page = Pillow.new("RGB", (1240, 1754), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(30)
    text = "The quick brown fox jumps over the lazy dog and runs away from it."
    for top in [*range(100, 500, 50), *range(700 + 60 * len(rows), 1650, 50)]:
        pen.text((120, top), text, fill="black", font=font)
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            left, top = 120 + 320 * column, 600 + 60 * row
            pen.rectangle((left, top, left + 320, top + 60), outline="black", width=2)
            pen.text((left + 24, top + 12), cell, fill="black", font=font)
    return np.ascontiguousarray(np.asarray(page)[:, :, ::-1])


def draw_table(rows: Sequence[Sequence[str]]) -> Image:
    return draw_page(["above", Table(tuple(map(tuple, rows))), "below"])


class TestFakeEngine(EngineLaws):
    @pytest.fixture
    def case(self) -> Case:
        return Case(load("fake", EngineSettings(models=Path("unused")), lanes=2), draw_page, draw_table)


@pytest.mark.models
class TestOnnxEngine(EngineLaws):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls, models_directory: Path) -> Iterator[Case]:
        lanes = load("onnx", EngineSettings(models=models_directory), lanes=2)
        yield Case(lanes, print_page, print_table)
        for lane in lanes:
            lane.close()


@pytest.mark.models
class TestBatchedOnnxEngine(EngineLaws):
    """What runs on a GPU, tried on the CPU: the same graphs and shapes on another provider."""

    @pytest.fixture(scope="class")
    @classmethod
    def case(cls, models_directory: Path) -> Case:
        settings = EngineSettings(models=models_directory)
        return Case(load_batched(settings, 2, Runs(pages=2, crops=4)), print_page, print_table)

    def test_lanes_have_memory_of_their_own(self, case: Case) -> None:
        """What one lane puts into a run is never another's, though they share the models."""
        one, two = (lane.memory for lane in case.lanes if isinstance(lane, BatchedEngine))
        assert not np.shares_memory(one.inward, two.inward)
        assert not np.shares_memory(one.outward, two.outward)
        assert len({id(lane.recogniser) for lane in case.lanes if isinstance(lane, BatchedEngine)}) == 1


@pytest.mark.models
@pytest.mark.skipif(importlib.util.find_spec("paddleocr") is None, reason="make paddle")
@pytest.mark.filterwarnings("default")  # its import runs the code of fifty packages
class TestPaddleEngine(EngineLaws):
    @pytest.fixture(scope="class")
    @classmethod
    def case(cls, models_directory: Path) -> Iterator[Case]:
        lanes = load("paddleocr", EngineSettings(models=models_directory), lanes=2)
        yield Case(lanes, print_page, print_table)
        for lane in lanes:
            lane.close()


@pytest.mark.models
def test_batches_read_what_single_runs_read(models_directory: Path) -> None:
    """Full batches of padded crops give the text of single runs; half precision moves scores by no more than 0.01."""
    settings = EngineSettings(models=models_directory)
    (single,) = load("onnx", settings)
    (full,) = load_batched(settings, 1, Runs(pages=1, crops=4))
    (half,) = load_batched(replace(settings, precision="f16"), 1, Runs(pages=1, crops=4))
    crops = crops_of(single, print_page(["Total 12.50", "Thank you", "Invoice 20260117"]))
    for readings in zip(*(engine.recognise(crops) for engine in (single, full, half)), strict=True):
        assert len({reading.text for reading in readings}) == 1
        assert readings[1].mean_probability == pytest.approx(readings[2].mean_probability, abs=0.01)


@pytest.mark.models
def test_every_shape_there_can_be_is_run(models_directory: Path) -> None:
    """Building goes through every size of every profile, on whatever device, in as many steps as it says."""
    settings = EngineSettings(models=models_directory, profile="tiny", page=PageLimits(side=320))
    work = build(settings, Runs(pages=1, crops=1))
    told = list(work.steps)
    assert len(told) == len(set(told)) + 4 - 1 == work.total  # a recogniser is opened once for each of 4 classes
    assert told[1:5] == [
        f"PP-OCRv6_tiny_det: 1 x {size}" for size in ("160 x 160", "160 x 320", "320 x 160", "320 x 320")
    ]
    assert told[-1] == "PP-OCRv6_tiny_rec: 1 x 48 x 3200"


@pytest.mark.models
def test_missing_structure_models_name_the_command(models_directory: Path, tmp_path: Path) -> None:
    """Text models alone are not enough; the message says how the others are fetched."""
    (tmp_path / "small").symlink_to(models_directory / "small")
    with pytest.raises(Fatal, match="pagestream models fetch") as refusal:
        load("onnx", EngineSettings(models=tmp_path))
    assert refusal.value.code == "models_missing"


@pytest.mark.models
def test_a_table_network_without_its_tokens_is_damage(models_directory: Path, tmp_path: Path) -> None:
    """A file that is no table network, in the place of one, is told at once and not at the first table."""
    for role in ("orientation", "layout", "slanet-plus", "slanet-1m"):
        (tmp_path / "structure" / role).mkdir(parents=True)
        shown = "orientation" if role == "slanet-1m" else role
        source = models_directory / "structure" / shown / "inference.onnx"
        (tmp_path / "structure" / role / "inference.onnx").symlink_to(source)
    with pytest.raises(Fatal) as refusal:
        load_structure(EngineSettings(models=tmp_path))
    assert refusal.value.code == "models_damaged"


@pytest.mark.models
def test_full_batches_can_be_had_by_name(models_directory: Path) -> None:
    """What a GPU runs can be tried on a CPU; there it takes half precision for text, too, for comparing."""
    (engine,) = load("batched", EngineSettings(models=models_directory, profile="tiny", precision="f16"))
    assert isinstance(engine, BatchedEngine)
    assert [stamp.precision for stamp in engine.models] == ["f16"] * 2 + ["f32"] * 4


@pytest.mark.models
def test_half_precision_is_not_for_a_cpu(models_directory: Path) -> None:
    """A CPU asked for f16 refuses, for it would quietly run slower in f32."""
    with pytest.raises(Fatal, match="f32"):
        load("onnx", EngineSettings(models=models_directory, precision="f16"))


@pytest.mark.parametrize("engine", ["onnx", "fake"])
def test_an_engine_has_lanes(engine: str) -> None:
    """No lanes are refused at once, whatever the engine."""
    with pytest.raises(Fatal, match="lane"):
        load(engine, EngineSettings(models=Path("unused")), lanes=0)


def test_an_unknown_engine_is_refused() -> None:
    """The names to choose from are in the message."""
    with pytest.raises(Fatal, match="onnx, batched, paddleocr, fake") as refusal:
        load("tesseract", EngineSettings(models=Path("unused")))
    assert refusal.value.code == "engine_unavailable"


def test_missing_models_name_the_command(tmp_path: Path) -> None:
    """Nothing is fetched behind one's back; the message says how to fetch."""
    with pytest.raises(Fatal, match="pagestream models fetch") as refusal:
        load("onnx", EngineSettings(models=tmp_path))
    assert refusal.value.code == "models_missing"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("device", "extra"), [("cuda", "CUDA"), ("tensorrt", "TensorRT")])
def test_a_device_that_is_absent_is_not_replaced(device: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for a device that onnxruntime doesn't have, loading fails and says where one reads what to install."""
    monkeypatch.setattr(session.ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(Fatal, match=extra) as refusal:
        session.open_session(b"", EngineSettings(models=Path("unused"), device=device))  # type: ignore[arg-type]
    assert refusal.value.code == "engine_unavailable"
    assert "docs/gpu.md" in refusal.value.message


def test_a_device_that_does_not_start_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that onnxruntime has quietly put on the CPU is refused when CUDA was asked for."""
    fallen_back = SimpleNamespace(get_providers=lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(session, "lacking", lambda *_: None)
    monkeypatch.setattr(session.ort, "InferenceSession", lambda *_, **__: fallen_back)
    with pytest.raises(Fatal, match="CUDA") as refusal:
        session.open_session(b"", EngineSettings(models=Path("unused"), device="cuda"))
    assert refusal.value.code == "engine_unavailable"


def test_paddleocr_that_is_absent_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PaddleOCR the message says what to install."""
    monkeypatch.setitem(sys.modules, "paddleocr", None)
    with pytest.raises(Fatal, match="make paddle") as refusal:
        load("paddleocr", EngineSettings(models=Path("unused")))
    assert refusal.value.code == "engine_unavailable"


@pytest.mark.parametrize(
    ("fault", "error"),
    [(Fault.RETRYABLE, Retryable), (Fault.REJECTED, Rejected), (Fault.FATAL, Fatal), (Fault.DEFECT, RuntimeError)],
)
def test_a_marked_page_fails_as_marked(fault: Fault, error: type[Exception]) -> None:
    """A mark brings about its error at its stage and nowhere else."""
    engine = FakeEngine()
    with pytest.raises(error):
        engine.detect([draw_page(["fine"]), draw_page([mark(fault)])])
    marked = draw_page([mark(fault, "recognise")])
    crops = crops_of(engine, marked)
    with pytest.raises(error):
        engine.recognise(crops)


def test_once_is_once_for_each_name() -> None:
    """A fault that passes, passes on the second try, on whichever lane; another name is another fault."""
    first, second = load("fake", EngineSettings(models=Path("unused")), lanes=2)
    page = draw_page([mark(Fault.ONCE, name="a")])
    with pytest.raises(Retryable):
        first.detect([page])
    assert len(second.detect([page])) == 1
    with pytest.raises(Retryable):
        second.detect([draw_page([mark(Fault.ONCE, name="b")])])


def test_short_and_garbled_answers() -> None:
    """An engine that breaks its contract can be had: one answer too few, or answers that are wrong."""
    page, crops = draw_page(["text"]), crops_of(FakeEngine(), draw_page(["text"]))
    assert FakeEngine(always=Fault.SHORT).detect([page, page]) != []
    assert len(FakeEngine(always=Fault.SHORT).detect([page, page])) == 1
    assert FakeEngine(always=Fault.SHORT).recognise(crops) == []
    (wrong,) = FakeEngine(always=Fault.GARBAGE).recognise(crops)
    assert wrong.text != "text"
    assert wrong.mean_probability > 0.9


def test_a_table_that_is_marked_fails_as_marked() -> None:
    """A mark in a table fails its structure and nothing before; of the answers that break the contract, one is short,
    and one has a single cell."""
    engine = FakeEngine()
    page = draw_page([Table((("a", mark(Fault.FATAL, "tables")),))])
    assert len(engine.detect([page])[0].polygons) == 2
    (region,) = engine.lay_out([page])[0]
    assert region.kind == "table"
    with pytest.raises(Fatal):
        engine.read_structure([TableCrop(page, region.box)])
    plain = TableCrop(draw_page([Table((("a", "b"), ("c", "d")))]), (0, 0, 9_999, 9_999))
    assert FakeEngine(always=Fault.SHORT).read_structure([plain]) == []
    ((wrong,),) = FakeEngine(always=Fault.GARBAGE).read_structure([plain])
    assert len(wrong.boxes) == 1


@pytest.mark.parametrize("scale", [0.7, 1.0, 1.7])
def test_a_drawn_table_survives_a_scanner(scale: float) -> None:
    """Scaled and compressed, a drawn table is where it was, in the same rows and columns."""
    page = draw_page(["above", Table((("one", "2", "three"), ("4", "five", "6"))), "below"], cell=4)
    shown = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    scanned = cv2.imdecode(cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], cv2.IMREAD_COLOR)
    engine = FakeEngine()
    ((before,),), ((region,),) = engine.lay_out([page]), engine.lay_out([scanned])
    assert region.box == pytest.approx([scale * side for side in before.box], abs=4)
    ((structure,),) = engine.read_structure([TableCrop(scanned, region.box)])
    assert row_widths(structure.tokens) == [3, 3]


def test_nothing_drawn_is_no_turn() -> None:
    """A page without lines stays as it is, and the engine claims nothing."""
    assert FakeEngine().orient([np.full((90, 40, 3), 255, np.uint8)]) == [Turn(0, 0.0)]


def test_a_gate_holds_a_page_back() -> None:
    """A waiting page comes through when the gate opens, and not before."""
    engine, done = FakeEngine(), threading.Event()

    def work() -> None:
        engine.detect([draw_page([mark(Fault.WAIT)])])
        done.set()

    lane = threading.Thread(target=work, daemon=True)
    lane.start()
    assert not done.wait(0.05)
    engine.gate.set()
    assert done.wait(30)
    lane.join(30)


def test_a_kill_takes_the_process_with_it() -> None:
    """A page that kills, kills at once: no handler runs."""
    child = multiprocessing.get_context("spawn").Process(target=_detect_kill)
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL


def _detect_kill() -> None:
    FakeEngine().detect([draw_page([mark(Fault.KILL)])])
