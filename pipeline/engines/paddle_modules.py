"""How PaddleOCR's modules are opened on exactly the device that was asked for, or not at all.

PaddleX goes from GPU to CPU, and from TensorRT to none, with no more than a warning: both are refused here.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from pipeline.errors import Fatal

from .base import Device, EngineSettings
from .gpu import find_gpu, has_driver
from .opencv_alias import accept_headless_opencv


def require(settings: EngineSettings) -> None:
    missing = lacking(settings.device, settings.device_id)
    if missing is not None and settings.device != "cpu":
        raise _unavailable(f"PaddleOCR can't use {settings.device} here ({missing}); install what docs/gpu.md names.")


def lacking(device: Device, device_id: int) -> str | None:
    """What this machine lacks to run PaddleOCR on a device, in a few words, or None. Imports none of it."""
    if importlib.util.find_spec("paddleocr") is None:
        return "PaddleOCR is not installed"
    if device == "cpu":
        return None
    if importlib.util.find_spec("paddle") is None:
        return "paddlepaddle is not installed"
    if not has_driver():
        return "no NVIDIA driver"
    if find_gpu(device_id) is None:
        return f"no GPU with number {device_id}"
    return None


def modules() -> Any:
    if any(importlib.util.find_spec(name) is None for name in ("paddleocr", "cv2")):
        raise _unavailable("PaddleOCR is not installed; run `make paddle` in the clone.")
    os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")  # it would look for download sites
    os.environ["PADDLE_PDX_DISABLE_DEVICE_FALLBACK"] = "True"  # it would take a CPU in place of a GPU
    accept_headless_opencv()
    try:
        import paddleocr  # type: ignore[import-not-found,unused-ignore]
    except Exception as error:  # its import runs a good deal of code of many packages
        message = "PaddleOCR can't be imported; run `make paddle` in the clone again."
        raise _unavailable(message) from error
    return paddleocr


def open_module(opener: Any, settings: EngineSettings, **arguments: Any) -> Any:
    common = runtime(settings)
    try:
        module = opener(**arguments, **common)
    except Exception as error:  # no root of its own, from bad device to bad file
        raise _unavailable("PaddleOCR can't open its models on this device; check device and models.") from error
    if settings.device != "cpu":
        _check_runs(module, common["engine_config"]["run_mode"])
    return module


def runtime(settings: EngineSettings) -> dict[str, Any]:
    """What PaddleOCR's modules run on: arguments that detection and recognition share."""
    half = settings.precision == "f16"
    match settings.device:
        case "cpu" if half:
            raise _unavailable("On a CPU the models run with f32; set the precision to f32.")
        case "cpu":
            threads = {"intra_op_num_threads": settings.threads, "inter_op_num_threads": 1}
            return {
                "engine": "onnxruntime",
                "device": "cpu",
                "engine_config": threads | {"enable_mem_pattern": False, "log_severity_level": 3},
            }
        case "cuda":
            run_mode = "paddle_fp16" if half else "paddle"
        case "tensorrt":
            run_mode = "trt_fp16" if half else "trt_fp32"
    return {
        "engine": "paddle_static",
        "device": f"gpu:{settings.device_id}",
        "engine_config": {"run_mode": run_mode},
    }


def _check_runs(module: Any, run_mode: str) -> None:
    """PaddleX goes from GPU to CPU, and from TensorRT to none, with no more than a warning; we don't."""
    config = module.paddlex_predictor.runner._config
    if config.get("device_type") != "gpu" or config.get("run_mode") != run_mode:
        raise _unavailable("PaddleOCR doesn't run this model on the device asked for; choose another device.")


def _unavailable(message: str) -> Fatal:
    return Fatal(message, code="engine_unavailable", stage="engine")
