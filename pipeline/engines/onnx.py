"""Text detection and recognition, and structure, with ONNX Runtime on the CPU.

Lanes share their sessions: a session with one thread runs on the thread that calls it, and `run` may be called from
several at once. Each item is its own run at its own size, so batching changes no answer (and, on a CPU, no speed).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Fatal
from pipeline.ocr.boxes import find_boxes
from pipeline.ocr.preprocess import (
    PageLimits,
    crop_tensor,
    largest_side,
    normalise,
    padded_crop_width,
    page_image,
    page_scale,
    page_share,
    page_size,
    sizes_at,
)
from pipeline.ocr.text import ctc
from pipeline.ocr.text.reading import as_reading
from pipeline.ocr.tiles import joined_map, tiles_of

from .base import Bucket, Engine, EngineSettings, Image, ModelStamp, Reading, Regions
from .models import ROLES, WEIGHTS, model_directory
from .onnx_batched import load_batched
from .recipe import DetectionRecipe, RecognitionRecipe, detection_recipe, recognition_recipe
from .session import Session, open_session, run_one, stamp
from .structure import SeesStructure, load_structure


@dataclass(frozen=True, slots=True)
class Detector:
    """One page -> its text regions. Safe to share between threads."""

    session: Session
    recipe: DetectionRecipe
    limits: PageLimits

    def __call__(self, page: Image, size: tuple[int, int]) -> Regions:
        """`size`: height and width that the page is shown with, in tiles where that is too large."""
        height, width = page.shape[:2]
        shown, tiles = page_image(page, size), tiles_of(size, largest_side(self.limits))
        probability = joined_map(tiles, [self._map(shown[tile.part]) for tile in tiles], size)
        scale = page_scale(height, width, size)
        polygons, scores = find_boxes(probability, self.recipe.boxes, scale=scale, height=height, width=width)
        return Regions(polygons, scores)

    def _map(self, image: Image) -> NDArray[np.float32]:
        (answer,) = run_one(self.session, normalise(image, self.recipe.normalisation))
        return np.asarray(answer[0], np.float32)


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One crop -> its text. Safe to share between threads."""

    session: Session
    recipe: RecognitionRecipe

    def __call__(self, crop: Image) -> Reading:
        (answer,) = run_one(self.session, crop_tensor(crop, self.recipe.shape, self.recipe.normalisation))
        ctc.weigh(answer)
        best, alphabet = ctc.best_classes(answer), self.recipe.alphabet
        return as_reading(best, ctc.best_among(answer, alphabet.plain, best), answer[:, alphabet.asked], alphabet)


@dataclass(frozen=True, slots=True)
class OnnxEngine(SeesStructure):
    """An engine of one lane; what it holds is shared with the other lanes and freed with the last of them."""

    detector: Detector
    recogniser: Recogniser
    models: tuple[ModelStamp, ...]

    def page_bucket(self, height: int, width: int) -> Bucket:
        shown = page_size(height, width, self.detector.limits)
        return Bucket("page", shown[0] * shown[1])

    def crop_bucket(self, height: int, width: int) -> Bucket:
        return Bucket("crop", padded_crop_width(height, width, self.recogniser.recipe.shape))

    def page_share(self, height: int, width: int) -> float:
        return page_share(height, width, self.detector.limits)

    def detect(self, pages: Sequence[Image], shares: Sequence[float] | None = None) -> list[Regions]:
        sizes = sizes_at([page.shape for page in pages], shares, self.detector.limits)
        return [self.detector(page, size) for page, size in zip(pages, sizes, strict=True)]

    def recognise(self, crops: Sequence[Image]) -> list[Reading]:
        return [self.recogniser(crop) for crop in crops]

    def close(self) -> None:
        """Nothing to do: the sessions go with the last lane that holds them."""


def load(settings: EngineSettings, lanes: int) -> list[Engine]:
    """Engines that share their sessions. On a GPU these work in full batches; see `onnx_batched`."""
    if settings.device != "cpu":
        return load_batched(settings, lanes)
    if settings.precision != "f32":
        raise Fatal(
            "On a CPU the models run with f32; set the precision to f32.", code="engine_unavailable", stage="engine"
        )
    det, rec = (model_directory(settings.models, settings.profile, role) for role in ROLES)
    detector = Detector(open_session(det / WEIGHTS, settings), detection_recipe(det), settings.page)
    recipe = recognition_recipe(rec)
    recogniser = Recogniser(open_session(rec / WEIGHTS, settings), recipe)
    stamps = (stamp(det, detector.recipe.name, settings), stamp(rec, recipe.name, settings))
    structure = load_structure(settings)
    return [OnnxEngine(structure, detector, recogniser, (*stamps, *structure.models)) for _ in range(lanes)]
