"""`pagestream engines`: what runs here, and what is built for TensorRT."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.__main__ import app
from pipeline.engines import build, session
from pipeline.engines.engine_cache import Built, Work, make, record
from pipeline.errors import Retryable

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
    assert told["onnx", "tensorrt"] == "this build of onnxruntime is without it"


def test_what_was_built_is_listed(cache: Path) -> None:
    """Built engines are shown with GPU, TensorRT, model and digest; a build that broke off is called unfinished."""
    for name in ("done", "broken"):
        make(cache / "nvidia-h200-9.0" / "10.15.1" / name)
    record(cache / "nvidia-h200-9.0" / "10.15.1" / "done", BUILT)
    told = CliRunner().invoke(app, ["engines", "list"]).stdout
    for word in ("NVIDIA H200, 9.0", "10.15.1", "det", "ab" * 6, "f16", "4 x 160 x 160", "broken: not finished"):
        assert word in told


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
        record(cache / "gpu" / "version" / "key", BUILT)

    monkeypatch.setattr(build, "build", lambda settings: Work(2, steps()))
    ended = CliRunner().invoke(app, ["engines", "build", "--precision", "f16"])
    assert ended.exit_code == 0
    assert gone == ["one", "two"]
    assert "NVIDIA H200" in ended.stdout


def test_a_batch_that_fails_ends_the_build(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shape that the device can't run is told in a line, exit code 4."""

    def steps() -> Iterator[str]:
        yield "one"
        raise Retryable("A model failed on a batch.", code="engine_failed", stage="engine")

    monkeypatch.setattr(build, "build", lambda settings: Work(2, steps()))
    ended = CliRunner().invoke(app, ["engines", "build"])
    assert ended.exit_code == 4
    assert "engine_failed: A model failed on a batch." in ended.stderr
