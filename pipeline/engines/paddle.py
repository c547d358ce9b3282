"""Text detection and recognition by PaddleOCR's own modules: the reference the other engines are compared with.

On a CPU the modules run on ONNX Runtime and need no paddlepaddle; on a GPU they run on Paddle Inference, with TensorRT
or without. One item a call: PaddleOCR pads a batch to its widest member, so that answers would depend on company.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from pipeline.errors import Fatal, Retryable
from pipeline.ocr.geometry import clip, no_polygons, orient
from pipeline.ocr.preprocess import CropShape, PageLimits, crop_width, page_size

from .base import Bucket, Engine, EngineSettings, Image, ModelStamp, Reading, Regions
from .models import model_directory, sha256_of
from .opencv_alias import accept_headless_opencv
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
    return [_engine(settings, _modules()) for _ in range(lanes)]


def _engine(settings: EngineSettings, paddleocr: Any) -> PaddleEngine:
    weights = "inference.onnx" if settings.device == "cpu" else "inference.pdiparams"
    det, rec = (model_directory(settings.models, settings.profile, role, weights=weights) for role in ("det", "rec"))
    detection, recognition = detection_recipe(det), recognition_recipe(rec)
    common = _runtime(settings)
    detector = _open(
        paddleocr.TextDetection,
        model_name=detection.name,
        model_dir=str(det),
        limit_side_len=settings.page.side,
        limit_type=settings.page.kind,
        **common,
    )
    recogniser = _open(paddleocr.TextRecognition, model_name=recognition.name, model_dir=str(rec), **common)
    for module in (detector, recogniser):
        _check_run_mode(module, common["engine_config"].get("run_mode"))
    version = importlib.metadata.version("paddleocr")
    stamps = tuple(
        ModelStamp(
            recipe.name,
            sha256_of(directory / weights),
            runtime=f"paddleocr {version} {common['engine']}, opencv {cv2.__version__}",
            device=settings.device,
            precision=settings.precision,
        )
        for recipe, directory in ((detection, det), (recognition, rec))
    )
    return PaddleEngine(detector, recogniser, stamps, settings.page, recognition.shape)


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
    if importlib.util.find_spec("paddle") is None:
        raise _unavailable("paddlepaddle is not installed; run `.venv/bin/pip install -e '.[gpu]'` in the clone.")
    return {
        "engine": "paddle_static",
        "device": f"gpu:{settings.device_id}",
        "engine_config": {"run_mode": run_mode},
    }


def _modules() -> Any:
    if any(importlib.util.find_spec(name) is None for name in ("paddleocr", "cv2")):
        raise _unavailable("PaddleOCR is not installed; run `.venv/bin/pip install -e '.[paddle]'` in the clone.")
    os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")  # it would look for download sites
    accept_headless_opencv()
    try:
        import paddleocr  # type: ignore[import-not-found,unused-ignore]
    except Exception as error:  # its import runs a good deal of code of many packages
        message = "PaddleOCR can't be imported; run `.venv/bin/pip install -e '.[paddle]'` in the clone again."
        raise _unavailable(message) from error
    return paddleocr


def _open(module: Any, **arguments: Any) -> Any:
    try:
        return module(**arguments)
    except Exception as error:  # no root of its own, from bad device to bad file
        raise _unavailable("PaddleOCR can't open its models on this device; check device and models.") from error


def _check_run_mode(module: Any, wanted: str | None) -> None:
    """PaddleX falls back from TensorRT with no more than a warning; we don't."""
    config = getattr(module.paddlex_predictor.runner, "_config", {})
    if wanted is not None and config.get("run_mode", wanted) != wanted:
        raise _unavailable("PaddleOCR doesn't run this model in the mode asked for; choose another device.")


def _ask(module: Any, image: Image) -> Any:
    try:
        (answer,) = module.predict([image], batch_size=1)
    except Exception as error:
        raise Retryable("PaddleOCR failed on an image.", code="engine_failed", stage="engine") from error
    return answer


def _unavailable(message: str) -> Fatal:
    return Fatal(message, code="engine_unavailable", stage="engine")
