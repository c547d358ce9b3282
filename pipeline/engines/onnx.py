"""Text detection and recognition with ONNX Runtime on the CPU.

Lanes share their sessions: a session with one thread runs on the thread that calls it, and `run` may be called from
several at once. Each item is its own run at its own size, so batching changes no answer (and, on a CPU, no speed).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import onnxruntime as ort  # type: ignore[import-untyped]

from pipeline.errors import Retryable
from pipeline.ocr import ctc
from pipeline.ocr.boxes import find_boxes
from pipeline.ocr.preprocess import PageLimits, Tensor, crop_tensor, crop_width, page_scale, page_size, page_tensor

from .base import Bucket, Engine, EngineSettings, Image, ModelStamp, Reading, Regions
from .models import model_directory, sha256_of
from .recipe import DetectionRecipe, RecognitionRecipe, detection_recipe, recognition_recipe
from .session import Session, open_session


@dataclass(frozen=True, slots=True)
class Detector:
    """One page -> its text regions. Safe to share between threads."""

    session: Session
    recipe: DetectionRecipe
    limits: PageLimits

    def __call__(self, page: Image) -> Regions:
        height, width = page.shape[:2]
        size = page_size(height, width, self.limits)
        answer = _run(self.session, page_tensor(page, size, self.recipe.normalisation))
        scale = page_scale(height, width, size)
        polygons, scores = find_boxes(answer[0], self.recipe.boxes, scale=scale, height=height, width=width)
        return Regions(polygons, scores)


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One crop -> its text. Safe to share between threads."""

    session: Session
    recipe: RecognitionRecipe

    def __call__(self, crop: Image) -> Reading:
        tensor = crop_tensor(crop, self.recipe.shape, self.recipe.normalisation)
        classes, probabilities = ctc.best_classes(_run(self.session, tensor))
        text, confidence = ctc.decode(classes, probabilities, self.recipe.characters)
        return Reading(text, confidence)


@dataclass(frozen=True, slots=True)
class OnnxEngine:
    """An engine of one lane; what it holds is shared with the other lanes and freed with the last of them."""

    detector: Detector
    recogniser: Recogniser
    models: tuple[ModelStamp, ...]

    def page_bucket(self, height: int, width: int) -> Bucket:
        shown = page_size(height, width, self.detector.limits)
        return Bucket("page", shown[0] * shown[1])

    def crop_bucket(self, height: int, width: int) -> Bucket:
        return Bucket("crop", crop_width(height, width, self.recogniser.recipe.shape))

    def detect(self, pages: Sequence[Image]) -> list[Regions]:
        return [self.detector(page) for page in pages]

    def recognise(self, crops: Sequence[Image]) -> list[Reading]:
        return [self.recogniser(crop) for crop in crops]

    def close(self) -> None:
        """Nothing to do: the sessions go with the last lane that holds them."""


def load(settings: EngineSettings, lanes: int) -> list[Engine]:
    det, rec = (model_directory(settings.models, settings.profile, role) for role in ("det", "rec"))
    detector = Detector(open_session(det / "inference.onnx", settings), detection_recipe(det), settings.page)
    recogniser = Recogniser(open_session(rec / "inference.onnx", settings), recognition_recipe(rec))
    stamps = tuple(
        ModelStamp(
            name=recipe.name,
            sha256=sha256_of(directory / "inference.onnx"),
            runtime=f"onnxruntime {ort.__version__}",
            device=settings.device,
            precision=settings.precision,
        )
        for recipe, directory in ((detector.recipe, det), (recogniser.recipe, rec))
    )
    return [OnnxEngine(detector, recogniser, stamps) for _ in range(lanes)]


def _run(session: Session, tensor: Tensor) -> Any:
    """One item through a model with one input and one output, without the batch axis."""
    try:
        (answer,) = session.run(None, {session.get_inputs()[0].name: tensor[None]})
    except Exception as error:  # onnxruntime's errors share no root of their own
        raise Retryable("A model failed on an item.", code="engine_failed", stage="engine") from error
    return answer[0]
