"""Text detection and recognition by PaddleOCR's own modules: the reference the other engines are compared with.

On a CPU the modules run on ONNX Runtime and need no paddlepaddle; on a GPU they run on Paddle Inference, with TensorRT
or without. One item a call: PaddleOCR pads a batch to its widest member, so that answers would depend on company.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.errors import Fatal, Retryable
from pipeline.ocr.geometry import clip, no_polygons, orient
from pipeline.ocr.preprocess import CropShape, PageLimits, crop_width, page_size

from . import engine_cache, paddle_cache
from .base import Bucket, Device, Engine, EngineSettings, Image, ModelStamp, Reading, Regions
from .engine_cache import Work
from .gpu import find_gpu, has_driver
from .models import ROLES, WEIGHTS, model_directory, sha256_of
from .opencv_alias import accept_headless_opencv
from .paddle_cache import PADDLE_WEIGHTS
from .recipe import detection_recipe, recognition_recipe

_LEAST_WIDTH = 320
"""PaddleOCR pads every crop to at least this width (`RecResizeImg.image_shape`)."""


@dataclass(frozen=True, slots=True)
class PaddleEngine:
    """An engine of one lane; PaddleOCR's objects must stay on one thread."""

    detector: Any
    recogniser: Any
    models: tuple[ModelStamp, ...]
    limits: PageLimits
    shape: CropShape

    def page_bucket(self, height: int, width: int) -> Bucket:
        shown = page_size(height, width, self.limits)
        return Bucket("page", shown[0] * shown[1])

    def crop_bucket(self, height: int, width: int) -> Bucket:
        return Bucket("crop", max(_LEAST_WIDTH, crop_width(height, width, self.shape)))

    def detect(self, pages: Sequence[Image]) -> list[Regions]:
        return [self._regions(page) for page in pages]

    def recognise(self, crops: Sequence[Image]) -> list[Reading]:
        answers = [_ask(self.recogniser, crop) for crop in crops]
        return [Reading(a["rec_text"], float(a["rec_score"]) if a["rec_text"] else 0.0) for a in answers]

    def close(self) -> None:
        self.detector.close()
        self.recogniser.close()

    def _regions(self, page: Image) -> Regions:
        answer = _ask(self.detector, page)
        quads = np.asarray(answer["dt_polys"], np.float32).reshape(-1, 4, 2)
        polygons = orient(quads) if len(quads) else no_polygons()
        return Regions(
            clip(polygons, height=page.shape[0], width=page.shape[1]),
            np.asarray(answer["dt_scores"], np.float32),
        )


def load(settings: EngineSettings, lanes: int) -> list[Engine]:
    """Raises Fatal, `engine_not_built` among it. On a GPU each lane takes the memory of its models there."""
    _require(settings)
    return [_engine(settings, _modules()) for _ in range(lanes)]


def build(settings: EngineSettings) -> Work:
    """What TensorRT needs for a GPU, put into the cache. Raises as `load` does, and Environment `cache_closed`."""
    _require(settings)
    return Work(len(ROLES), _building(settings, _modules()))


def _require(settings: EngineSettings) -> None:
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


def _building(settings: EngineSettings, paddleocr: Any) -> Iterator[str]:
    for role, opener, recipe in _parts(paddleocr):
        directory = model_directory(settings.models, settings.profile, role, weights=PADDLE_WEIGHTS)
        name = recipe(directory).name
        yield f"{name}: opening, which may take minutes"
        if settings.device != "tensorrt":
            _open(opener, settings, model_name=name, model_dir=str(directory)).close()
            continue
        home = paddle_cache.home(directory, name, settings)
        paddle_cache.link(directory, home.folder)
        _open(opener, settings, model_name=name, model_dir=str(home.folder)).close()
        engine_cache.record(home.folder, home.built)


def _engine(settings: EngineSettings, paddleocr: Any) -> PaddleEngine:
    weights = WEIGHTS if settings.device == "cpu" else PADDLE_WEIGHTS
    det, rec = (model_directory(settings.models, settings.profile, role, weights=weights) for role in ROLES)
    detection, recognition = detection_recipe(det), recognition_recipe(rec)
    detector = _open(
        paddleocr.TextDetection,
        settings,
        model_name=detection.name,
        model_dir=_directory(det, detection.name, settings),
        limit_side_len=settings.page.side,
        limit_type=settings.page.kind,
    )
    recogniser = _open(
        paddleocr.TextRecognition,
        settings,
        model_name=recognition.name,
        model_dir=_directory(rec, recognition.name, settings),
    )
    stamps = tuple(
        ModelStamp(
            recipe.name, sha256_of(directory / weights), _runtime_name(settings), settings.device, settings.precision
        )
        for recipe, directory in ((detection, det), (recognition, rec))
    )
    return PaddleEngine(detector, recogniser, stamps, settings.page, recognition.shape)


def _parts(paddleocr: Any) -> list[tuple[str, Any, Any]]:
    """Role, PaddleOCR's class, and how its settings are read."""
    openers, recipes = (paddleocr.TextDetection, paddleocr.TextRecognition), (detection_recipe, recognition_recipe)
    return list(zip(ROLES, openers, recipes, strict=True))


def _directory(directory: Path, name: str, settings: EngineSettings) -> str:
    """What PaddleOCR is given for a model's directory. Raises Fatal `engine_not_built`."""
    if settings.device != "tensorrt":
        return str(directory)
    home = paddle_cache.home(directory, name, settings)
    engine_cache.require_built(home.folder)
    return str(home.folder)


def _runtime_name(settings: EngineSettings) -> str:
    version = importlib.metadata.version("paddleocr")
    return f"paddleocr {version} {_runtime(settings)['engine']}, opencv {cv2.__version__}"


def _runtime(settings: EngineSettings) -> dict[str, Any]:
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


def _modules() -> Any:
    if any(importlib.util.find_spec(name) is None for name in ("paddleocr", "cv2")):
        raise _unavailable("PaddleOCR is not installed; run `.venv/bin/pip install -e '.[paddle]'` in the clone.")
    os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")  # it would look for download sites
    os.environ["PADDLE_PDX_DISABLE_DEVICE_FALLBACK"] = "True"  # it would take a CPU in place of a GPU
    accept_headless_opencv()
    try:
        import paddleocr  # type: ignore[import-not-found,unused-ignore]
    except Exception as error:  # its import runs a good deal of code of many packages
        message = "PaddleOCR can't be imported; run `.venv/bin/pip install -e '.[paddle]'` in the clone again."
        raise _unavailable(message) from error
    return paddleocr


def _open(opener: Any, settings: EngineSettings, **arguments: Any) -> Any:
    common = _runtime(settings)
    try:
        module = opener(**arguments, **common)
    except Exception as error:  # no root of its own, from bad device to bad file
        raise _unavailable("PaddleOCR can't open its models on this device; check device and models.") from error
    if settings.device != "cpu":
        _check_runs(module, common["engine_config"]["run_mode"])
    return module


def _check_runs(module: Any, run_mode: str) -> None:
    """PaddleX goes from GPU to CPU, and from TensorRT to none, with no more than a warning; we don't."""
    config = module.paddlex_predictor.runner._config
    if config.get("device_type") != "gpu" or config.get("run_mode") != run_mode:
        raise _unavailable("PaddleOCR doesn't run this model on the device asked for; choose another device.")


def _ask(module: Any, image: Image) -> Any:
    try:
        (answer,) = module.predict([image], batch_size=1)
    except Exception as error:
        raise Retryable("PaddleOCR failed on an image.", code="engine_failed", stage="engine") from error
    return answer


def _unavailable(message: str) -> Fatal:
    return Fatal(message, code="engine_unavailable", stage="engine")
