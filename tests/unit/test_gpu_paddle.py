"""PaddleOCR on a GPU: on the device asked for, or not at all. Its modules are stand-ins here."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.engines import paddle_modules
from pipeline.engines.base import Device, EngineSettings, Precision
from pipeline.engines.gpu import Gpu
from pipeline.engines.paddle_modules import lacking, modules, open_module, require, runtime
from pipeline.errors import Fatal


def settings(device: Device, precision: Precision = "f16") -> EngineSettings:
    return EngineSettings(models=Path("unused"), device=device, precision=precision)


def module(device: str, run_mode: str) -> SimpleNamespace:
    """What PaddleX says of itself once a model is open."""
    config = {"device_type": device, "run_mode": run_mode}
    return SimpleNamespace(paddlex_predictor=SimpleNamespace(runner=SimpleNamespace(_config=config)))


@pytest.mark.parametrize(
    ("device", "precision", "run_mode"),
    [("cuda", "f32", "paddle"), ("cuda", "f16", "paddle_fp16"), ("tensorrt", "f32", "trt_fp32"),
     ("tensorrt", "f16", "trt_fp16")],
)  # fmt: skip
def test_device_and_precision_have_a_run_mode(device: Device, precision: Precision, run_mode: str) -> None:
    """Paddle Inference is told the mode by PaddleX's name, and a model that runs in it on a GPU is taken."""
    asked = runtime(settings(device, precision))
    assert (asked["device"], asked["engine"], asked["engine_config"]) == (
        "gpu:0",
        "paddle_static",
        {"run_mode": run_mode},
    )
    assert open_module(lambda **_: module("gpu", run_mode), settings(device, precision)) is not None


@pytest.mark.parametrize(
    ("device", "run_mode"), [("cpu", "trt_fp16"), ("cpu", "paddle"), ("gpu", "paddle"), ("gpu", "trt_fp32")]
)
def test_what_runs_elsewhere_or_otherwise_is_refused(device: str, run_mode: str) -> None:
    """A model that PaddleX has put on the CPU, or taken out of TensorRT, is not what was asked for."""
    with pytest.raises(Fatal, match="device asked for") as refusal:
        open_module(lambda **_: module(device, run_mode), settings("tensorrt"))
    assert refusal.value.code == "engine_unavailable"


def test_a_cpu_with_the_same_run_mode_is_refused() -> None:
    """In f32 without TensorRT the mode has one name on GPU and CPU: the device is looked at, too."""
    with pytest.raises(Fatal, match="device asked for"):
        open_module(lambda **_: module("cpu", "paddle"), settings("cuda", "f32"))


@pytest.mark.parametrize(
    ("packages", "driver", "gpu", "told"),
    [
        ({"paddle"}, True, True, "PaddleOCR is not installed"),
        ({"paddleocr"}, True, True, "paddlepaddle is not installed"),
        ({"paddleocr", "paddle"}, False, False, "no NVIDIA driver"),
        ({"paddleocr", "paddle"}, True, False, "no GPU with number 0"),
        ({"paddleocr", "paddle"}, True, True, None),
    ],
)
def test_what_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, packages: set[str], driver: bool, gpu: bool, told: str | None
) -> None:
    """The first thing that PaddleOCR lacks on this machine is named, and a worker is refused with it."""
    monkeypatch.setattr(paddle_modules.importlib.util, "find_spec", lambda name: name if name in packages else None)
    monkeypatch.setattr(paddle_modules, "has_driver", lambda: driver)
    monkeypatch.setattr(paddle_modules, "find_gpu", lambda _: Gpu("NVIDIA H200", "9.0") if gpu else None)
    assert lacking("tensorrt", 0) == told
    if told is None:
        require(settings("tensorrt"))
    else:
        with pytest.raises(Fatal, match=told):
            require(settings("tensorrt"))


def test_paddlex_is_told_not_to_fall_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own switch is set before it is imported, whatever the environment said."""
    monkeypatch.setenv("PADDLE_PDX_DISABLE_DEVICE_FALLBACK", "False")
    monkeypatch.setattr(paddle_modules.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(paddle_modules, "accept_headless_opencv", lambda: None)
    monkeypatch.setitem(sys.modules, "paddleocr", SimpleNamespace())
    modules()
    assert os.environ["PADDLE_PDX_DISABLE_DEVICE_FALLBACK"] == "True"
