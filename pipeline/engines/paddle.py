"""Text detection and recognition by PaddleOCR's own modules: the reference the other engines are compared with.

On a CPU the modules run on ONNX Runtime and need no paddlepaddle; on a GPU they run on Paddle Inference, with TensorRT
or without. One item a call: PaddleOCR pads a batch to its widest member, so that answers would depend on company.
Orientation, layout and tables are the models of the other engines, on ONNX Runtime: PaddleOCR's modules want models
with an `inference.yml`, which these have not.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.errors import Retryable
from pipeline.ocr.geometry import clip, no_polygons, orient
from pipeline.ocr.preprocess import CropShape, PageLimits, natural_width, page_share, page_size

from . import engine_cache, paddle_cache
from .base import Bucket, Engine, EngineSettings, Image, ModelStamp, Reading, Regions
from .engine_cache import Work
from .models import ROLES, WEIGHTS, model_directory, sha256_of
from .paddle_cache import PADDLE_WEIGHTS
from .paddle_modules import lacking as lacking
from .paddle_modules import modules, open_module, require, runtime
from .recipe import detection_recipe, recognition_recipe
from .structure import SeesStructure, StructureModels, load_structure

_LEAST_WIDTH = 320
"""PaddleOCR pads every crop to at least this width (`RecResizeImg.image_shape`)."""


@dataclass(frozen=True, slots=True)
class PaddleEngine(SeesStructure):
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
        return Bucket("crop", max(_LEAST_WIDTH, natural_width(height, width, self.shape)))

    def page_share(self, height: int, width: int) -> float:
        return page_share(height, width, self.limits)

    def detect(self, pages: Sequence[Image], shares: Sequence[float] | None = None) -> list[Regions]:
        """With `shares` PaddleOCR shows the page whole, however large it is then."""
        if shares is None:
            return [self._regions(page, None) for page in pages]
        sides = [round(share * max(page.shape[:2])) for page, share in zip(pages, shares, strict=True)]
        return [self._regions(page, side) for page, side in zip(pages, sides, strict=True)]

    def recognise(self, crops: Sequence[Image]) -> list[Reading]:
        answers = [_ask(self.recogniser, crop) for crop in crops]
        return [Reading(a["rec_text"], float(a["rec_score"]) if a["rec_text"] else 0.0) for a in answers]

    def close(self) -> None:
        self.detector.close()
        self.recogniser.close()

    def _regions(self, page: Image, side: int | None) -> Regions:
        answer = _ask(self.detector, page, **({} if side is None else {"limit_side_len": side, "limit_type": "max"}))
        quads = np.asarray(answer["dt_polys"], np.float32).reshape(-1, 4, 2)
        polygons = orient(quads) if len(quads) else no_polygons()
        return Regions(
            clip(polygons, height=page.shape[0], width=page.shape[1]),
            np.asarray(answer["dt_scores"], np.float32),
        )


def load(settings: EngineSettings, lanes: int) -> list[Engine]:
    """Raises Fatal, `engine_not_built` among it. On a GPU each lane takes the memory of its models there."""
    require(settings)
    paddleocr, structure = modules(), load_structure(settings)
    return [_engine(settings, paddleocr, structure) for _ in range(lanes)]


def build(settings: EngineSettings) -> Work:
    """What TensorRT needs for a GPU, put into the cache. Raises as `load` does, and Environment `cache_closed`."""
    require(settings)
    return Work(len(ROLES), _building(settings, modules()))


def _building(settings: EngineSettings, paddleocr: Any) -> Iterator[str]:
    for role, opener, recipe in _parts(paddleocr):
        directory = model_directory(settings.models, settings.profile, role, weights=PADDLE_WEIGHTS)
        name = recipe(directory).name
        yield f"{name}: opening, which may take minutes"
        if settings.device != "tensorrt":
            open_module(opener, settings, model_name=name, model_dir=str(directory)).close()
            continue
        home = paddle_cache.home(directory, name, settings)
        paddle_cache.link(directory, home.folder)
        open_module(opener, settings, model_name=name, model_dir=str(home.folder)).close()
        engine_cache.record(home.folder, home.built)


def _engine(settings: EngineSettings, paddleocr: Any, structure: StructureModels) -> PaddleEngine:
    weights = WEIGHTS if settings.device == "cpu" else PADDLE_WEIGHTS
    det, rec = (model_directory(settings.models, settings.profile, role, weights=weights) for role in ROLES)
    detection, recognition = detection_recipe(det), recognition_recipe(rec)
    detector = open_module(
        paddleocr.TextDetection,
        settings,
        model_name=detection.name,
        model_dir=_directory(det, detection.name, settings),
        limit_side_len=settings.page.side,
        limit_type=settings.page.kind,
    )
    recogniser = open_module(
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
    return PaddleEngine(structure, detector, recogniser, (*stamps, *structure.models), settings.page, recognition.shape)


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
    return f"paddleocr {version} {runtime(settings)['engine']}, opencv {cv2.__version__}"


def _ask(module: Any, image: Image, **how: Any) -> Any:
    try:
        (answer,) = module.predict([image], batch_size=1, **how)
    except Exception as error:
        raise Retryable("PaddleOCR failed on an image.", code="engine_failed", stage="engine") from error
    return answer
