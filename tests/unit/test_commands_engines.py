"""`pagestream engines`: what runs here, and what is built for TensorRT."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from typer.testing import CliRunner

from pipeline.__main__ import app
from pipeline.bench.alike import Alike
from pipeline.engines import build, paddle, session
from pipeline.engines.base import Engine, Image, Reading, Regions
from pipeline.engines.engine_cache import Built, Work, make, record
from pipeline.errors import Retryable
from pipeline.ocr.agreement import Difference

BUILT = Built("NVIDIA H200", "9.0", "10.15.1", "onnxruntime 1.31.1", "det", "ab" * 32, "f16", "4 x 160 x 160")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAGESTREAM_ENGINE__CACHE_DIRECTORY", str(tmp_path))
    return tmp_path


def test_every_engine_and_device_has_a_line(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pair says yes, or what is missing."""
    monkeypatch.setattr(session.ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    listed = CliRunner().invoke(app, ["engines", "list"])
    lines = [line.split("│")[1:4] for line in listed.stdout.splitlines() if line.startswith("│")]
    told = {(engine.strip(), device.strip()): here.strip() for engine, device, here in lines}
    assert listed.exit_code == 0
    assert set(told) == {(e, d) for e in ("onnx", "paddleocr") for d in ("cpu", "cuda", "tensorrt")}
    assert told["onnx", "cpu"] == "yes"
    assert told["onnx", "tensorrt"] == "no: this build of onnxruntime is without it"


def test_what_was_built_is_listed(cache: Path) -> None:
    """Built engines are shown with GPU, TensorRT, model and digest; of one that broke off, or has changed, it is told
    that no worker uses it."""
    for name in ("done", "broken", "cut"):
        folder = cache / "nvidia-h200-9.0" / "10.15.1" / name
        make(folder)
        (folder / "graph.engine").write_bytes(b"engine")
        if name != "broken":
            record(folder, BUILT)
    (folder / "graph.engine").write_bytes(b"eng")
    told = CliRunner().invoke(app, ["engines", "list"]).stdout
    for word in ("NVIDIA H200, 9.0", "10.15.1", "det", "ab" * 6, "f16", "4 x 160 x 160"):
        assert word in told
    rows = [line.split("│")[1:5] for line in told.splitlines() if line.startswith("│")][-3:]
    assert [(row[0].strip(), row[3].strip()) for row in rows] == [
        ("not finished", "broken"), ("damaged", "det"), ("whole", "det")
    ]  # fmt: skip
    assert "build it again" in told


@pytest.mark.parametrize(
    ("engine", "device", "lacks", "step"),
    [
        ("onnx", "cpu", None, "`pagestream check`"),
        ("batched", "cpu", None, "`pagestream check`"),
        ("fake", "cpu", "all", "`pagestream check`"),
        ("onnx", "cuda", None, "`pagestream engines build --device cuda`"),
        ("onnx", "tensorrt", None, "`pagestream engines build`"),
        ("onnx", "tensorrt", "all", "docs/gpu.md"),
        ("paddleocr", "cuda", "all", "docs/gpu.md"),
        ("paddleocr", "cpu", "all", "`make paddle`"),
        ("onnx", "cpu", "all", "install"),
    ],
)
def test_the_next_step_is_told(
    cache: Path, monkeypatch: pytest.MonkeyPatch, engine: str, device: str, lacks: str | None, step: str
) -> None:
    """For the engine and device of the settings: whether they run here, and what to type. Never an empty table."""
    monkeypatch.setenv("PAGESTREAM_ENGINE__NAME", engine)
    monkeypatch.setenv("PAGESTREAM_ENGINE__DEVICE", device)
    for module in (session, paddle):
        monkeypatch.setattr(module, "lacking", lambda device, number: lacks)
    *_, nothing, runs, following = CliRunner().invoke(app, ["engines", "list"]).stdout.splitlines()
    assert nothing.startswith(f"Built for TensorRT, in {cache}: nothing.")
    told = "it can't run here" if lacks and engine != "fake" else "it runs here"
    assert runs == f"Your settings: {engine} on {device}; {told}."
    assert step in following


def test_what_is_built_need_not_be_built_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With whole engines in the cache the next step on TensorRT is to try them; a damaged one counts for nothing."""
    monkeypatch.setenv("PAGESTREAM_ENGINE__DEVICE", "tensorrt")
    monkeypatch.setattr(session, "lacking", lambda device, number: None)
    folder = cache / "nvidia-h200-9.0" / "10.15.1" / "key"
    make(folder)
    (folder / "graph.engine").write_bytes(b"engine")
    record(folder, BUILT)
    steps = [CliRunner().invoke(app, ["engines", "list"]).stdout.splitlines()[-1]]
    (folder / "graph.engine").write_bytes(b"eng")
    steps.append(CliRunner().invoke(app, ["engines", "list"]).stdout.splitlines()[-1])
    assert ["engines build" in step for step in steps] == [False, True]


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_without_the_device_nothing_is_built(cache: Path, monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    """One sentence says what is missing, exit code 4, and the cache stays as it was."""
    monkeypatch.setattr(session.ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    ended = CliRunner().invoke(app, ["engines", "build", "--device", device])
    assert ended.exit_code == 4
    assert "docs/gpu.md" in ended.stderr
    assert ended.stdout == ""
    assert list(cache.iterdir()) == []


def test_a_build_ends_with_what_was_built(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All steps are gone through, and the table of the cache follows."""
    gone: list[str] = []

    def steps() -> Iterator[str]:
        for step in ("one", "two"):
            gone.append(step)
            yield step
        make(cache / "gpu" / "version" / "key")
        (cache / "gpu" / "version" / "key" / "graph.engine").write_bytes(b"engine")
        record(cache / "gpu" / "version" / "key", BUILT)

    monkeypatch.setattr(build, "build", lambda settings: Work(2, steps()))
    ended = CliRunner().invoke(app, ["engines", "build", "--precision", "f16"])
    assert ended.exit_code == 0
    assert gone == ["one", "two"]
    assert "NVIDIA H200" in ended.stdout


class Reader:
    """Finds one line and reads it as told, with a confidence as told."""

    def __init__(self, text: str, confidence: float, left: int = 0) -> None:
        self.reading, self.left = Reading(text, confidence), left

    def detect(self, pages: Sequence[Image], shares: Sequence[float] | None = None) -> list[Regions]:
        box = np.array([[[0, 0], [40, 0], [40, 10], [0, 10]]], np.float32) + np.array([self.left, 0], np.float32)
        return [Regions(box, np.ones(1, np.float32)) for _ in pages]

    def recognise(self, crops: Sequence[Image]) -> list[Reading]:
        return [self.reading for _ in crops]


PAGE = np.full((20, 100, 3), 255, np.uint8)


def compared(reference: Reader, other: Reader) -> Alike:
    alike = Alike()
    alike.add(cast(Engine, reference), cast(Engine, other), PAGE)
    return alike


def test_equal_lines_are_counted_as_equal() -> None:
    """Where both find and read the same, nothing differs but the confidence, by what is said."""
    alike = compared(Reader("Total", 0.9), Reader("Total", 0.65))
    assert (alike.lines, alike.missed, alike.added) == (1, 0, 0)
    assert alike.found == alike.crops == {Difference.NONE: 1}
    assert alike.gap == pytest.approx(0.25)


def test_another_text_is_a_difference() -> None:
    """Its kind is counted, and its confidence says nothing about closeness."""
    alike = compared(Reader("Total", 0.9), Reader("Tota1", 0.1))
    assert alike.found == alike.crops == {Difference.CHARACTER: 1}
    assert alike.gap == 0


def test_a_line_elsewhere_is_another_line() -> None:
    """What is found in another place was missed here and added there; the same crop is compared all the same."""
    alike = compared(Reader("Total", 0.9), Reader("Total", 0.9, left=50))
    assert (alike.lines, alike.missed, alike.added) == (1, 1, 1)
    assert (alike.found, alike.crops) == ({}, {Difference.NONE: 1})


def test_blank_lines_are_nobody_s() -> None:
    """A box without text in it counts on neither side."""
    alike = compared(Reader(" ", 0.9), Reader("", 0.0))
    assert (alike.lines, alike.missed, alike.added, alike.crops) == (0, 0, 0, {})


@pytest.mark.models
def test_files_are_compared_in_one_go(cache: Path, tmp_path: Path, models_directory: Path) -> None:
    """Every page of every file is read by both, and the table says how many lines are equal."""
    for number in range(2):
        page = Pillow.new("RGB", (400, 100), "white")
        ImageDraw.Draw(page).text((20, 20), "Total 12.50", fill="black", font=ImageFont.load_default(40))
        page.save(tmp_path / f"{number}.png")
    ended = CliRunner().invoke(app, ["engines", "compare", str(tmp_path), "--profile", "tiny"])
    assert ended.exit_code == 0
    assert "batched on cpu, f32, against onnx on cpu, f32: 2 pages" in ended.stdout
    assert "read by the CPU's engine" in ended.stdout


def test_a_batch_that_fails_ends_the_build(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shape that the device can't run is told in a line, exit code 4."""

    def steps() -> Iterator[str]:
        yield "one"
        raise Retryable("A model failed on a batch.", code="engine_failed", stage="engine")

    monkeypatch.setattr(build, "build", lambda settings: Work(2, steps()))
    ended = CliRunner().invoke(app, ["engines", "build"])
    assert ended.exit_code == 4
    assert "engine_failed: A model failed on a batch." in ended.stderr


@pytest.mark.models
def test_a_file_that_cannot_be_read_stops_no_comparison(cache: Path, tmp_path: Path, models_directory: Path) -> None:
    """A damaged file is named with its code, the others are compared, and the exit code tells."""
    Pillow.new("RGB", (64, 32), "white").save(tmp_path / "blank.png")
    (tmp_path / "torn.png").write_bytes(b"no picture")
    ended = CliRunner().invoke(app, ["engines", "compare", str(tmp_path), "--profile", "tiny"])
    assert ended.exit_code == 1
    assert "torn.png: unsupported_format" in ended.output
    assert "1 pages" in ended.output
