"""Text detection and recognition with ONNX Runtime on a GPU: fixed shapes, full batches.

Every item is padded to a size that is a function of the item alone, and every run has the same number of items (blank
ones at the end), so that the device computes an item the same way whatever comes along with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import Retryable
from pipeline.ocr import ctc
from pipeline.ocr.boxes import find_boxes
from pipeline.ocr.preprocess import (
    Normalisation,
    PageLimits,
    crop_image,
    crop_width,
    largest_side,
    page_image,
    page_scale,
    page_size,
)

from .base import Bucket, Engine, EngineSettings, Image, ModelStamp, Precision, Reading, Regions
from .graph import CLASSES, IMAGE, PROBABILITIES, detector_graph, recogniser_graph
from .models import ROLES, WEIGHTS, model_directory
from .recipe import DetectionRecipe, RecognitionRecipe, detection_recipe, recognition_recipe
from .session import Session, open_session, stamp

PAGE_STEP = 160
"""Sides of padded pages: multiples of five strides, and a part of the usual limit of 960."""

CROP_STEPS = ((640, 64), (1280, 128), (1 << 30, 320))
"""Widths of padded crops: up to the first figure, multiples of the second. At most a tenth is padding, but for the
narrowest."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Batches:
    """Items in every run."""

    pages: int = 4
    crops: int = 32


@dataclass(frozen=True, slots=True)
class BatchedEngine:
    """An engine of one lane; the sessions are shared with the other lanes and freed with the last of them."""

    detector: Session
    recogniser: Session
    detection: DetectionRecipe
    recognition: RecognitionRecipe
    limits: PageLimits
    batches: Batches
    models: tuple[ModelStamp, ...]

    def page_bucket(self, height: int, width: int) -> Bucket:
        padded = padded_page(height, width, self.limits)
        return Bucket(padded, padded[0] * padded[1])

    def crop_bucket(self, height: int, width: int) -> Bucket:
        columns = self._columns(height, width)
        return Bucket(columns, columns)

    def detect(self, pages: Sequence[Image]) -> list[Regions]:
        answers: dict[int, Regions] = {}
        keys = [padded_page(page.shape[0], page.shape[1], self.limits) for page in pages]
        for (height, width), places in _runs(keys, self.batches.pages):
            batch = np.zeros((self.batches.pages, height, width, 3), np.uint8)
            sizes = [page_size(pages[place].shape[0], pages[place].shape[1], self.limits) for place in places]
            for row, (place, size) in enumerate(zip(places, sizes, strict=True)):
                batch[row] = _extended(page_image(pages[place], size), height, width)
            (maps,) = _run(self.detector, batch, None)
            for row, (place, size) in enumerate(zip(places, sizes, strict=True)):
                answers[place] = self._regions(pages[place], maps[row, 0, : size[0], : size[1]], size)
        return [answers[place] for place in range(len(pages))]

    def recognise(self, crops: Sequence[Image]) -> list[Reading]:
        answers: dict[int, Reading] = {}
        shape = self.recognition.shape
        keys = [self._columns(crop.shape[0], crop.shape[1]) for crop in crops]
        for width, places in _runs(keys, self.batches.crops):
            batch = _blank(self.batches.crops, shape.height, width, self.recognition.normalisation)
            for row, place in enumerate(places):
                image = crop_image(crops[place], shape)
                batch[row, :, : image.shape[1]] = image
            classes, probabilities = _run(self.recogniser, batch, [CLASSES, PROBABILITIES])
            for row, place in enumerate(places):
                text, confidence = ctc.decode(classes[row], probabilities[row], self.recognition.characters)
                answers[place] = Reading(text, confidence)
        return [answers[place] for place in range(len(crops))]

    def close(self) -> None:
        """Nothing to do: the sessions go with the last lane that holds them."""

    def _columns(self, height: int, width: int) -> int:
        return padded_width(crop_width(height, width, self.recognition.shape))

    def _regions(self, page: Image, probability: NDArray[np.float32], size: tuple[int, int]) -> Regions:
        height, width = page.shape[:2]
        scale = page_scale(height, width, size)
        plane = np.ascontiguousarray(probability, np.float32)
        return Regions(*find_boxes(plane, self.detection.boxes, scale=scale, height=height, width=width))


def load_batched(settings: EngineSettings, lanes: int, batches: Batches | None = None) -> list[Engine]:
    """Batched engines on whatever device the settings say; the lanes share their sessions."""
    batches = batches or Batches()
    det, rec = (model_directory(settings.models, settings.profile, role) for role in ROLES)
    detection, recognition = detection_recipe(det), recognition_recipe(rec)
    precision: Precision = "f32" if settings.device == "tensorrt" else settings.precision  # TensorRT converts by itself
    height, largest = recognition.shape.height, _up(largest_side(settings.page), PAGE_STEP)
    detector = open_session(
        detector_graph(det / WEIGHTS, detection.normalisation, precision=precision),
        settings,
        tensorrt=_shapes(batches.pages, (PAGE_STEP, PAGE_STEP), (largest, largest)),
    )
    recogniser = open_session(
        recogniser_graph(rec / WEIGHTS, recognition.normalisation, precision=precision),
        settings,
        tensorrt=_shapes(batches.crops, (height, CROP_STEPS[0][1]), (height, padded_width(recognition.shape.widest))),
    )
    stamps = (stamp(det, detection.name, settings), stamp(rec, recognition.name, settings))
    engine = BatchedEngine(detector, recogniser, detection, recognition, settings.page, batches, stamps)
    return [engine] * lanes  # it holds no state of a lane


def padded_page(height: int, width: int, limits: PageLimits) -> tuple[int, int]:
    """Height and width of the input a page is set into."""
    shown = page_size(height, width, limits)
    return _up(shown[0], PAGE_STEP), _up(shown[1], PAGE_STEP)


def padded_width(columns: int) -> int:
    """Columns of the input a crop of `columns` is set into."""
    step = next(step for limit, step in CROP_STEPS if columns <= limit)
    return _up(columns, step)


def _shapes(count: int, least: tuple[int, int], most: tuple[int, int]) -> dict[str, str]:
    """TensorRT builds one engine for all sizes from `least` to `most`, (height, width), tuned for the largest."""
    low, high = (f"{IMAGE}:{count}x{height}x{width}x3" for height, width in (least, most))
    return {"trt_profile_min_shapes": low, "trt_profile_opt_shapes": high, "trt_profile_max_shapes": high}


def _up(side: int, step: int) -> int:
    return -(-side // step) * step


def _extended(image: Image, height: int, width: int) -> Image:
    """The image with its last row and column repeated: any other padding makes an edge that is taken for text."""
    below, beside = height - image.shape[0], width - image.shape[1]
    return np.asarray(cv2.copyMakeBorder(image, 0, below, 0, beside, cv2.BORDER_REPLICATE), np.uint8)


def _blank(count: int, height: int, width: int, normalisation: Normalisation) -> NDArray[np.uint8]:
    """Images of the shade that normalises to zero, which is what PaddleOCR pads with."""
    shade = np.round(np.array(normalisation.mean) / normalisation.scale)
    return np.broadcast_to(shade.astype(np.uint8), (count, height, width, 3)).copy()


def _runs(keys: Sequence[_T], most: int) -> Iterator[tuple[_T, list[int]]]:
    """Places of equal keys, at most so many together, in the order keys first come."""
    groups: dict[_T, list[int]] = {}
    for place, key in enumerate(keys):
        groups.setdefault(key, []).append(place)
    for key, places in groups.items():
        for start in range(0, len(places), most):
            yield key, places[start : start + most]


def _run(session: Session, batch: NDArray[np.uint8], outputs: list[str] | None) -> list[Any]:
    try:
        return list(session.run(outputs, {IMAGE: batch}))
    except Exception as error:  # onnxruntime's errors share no root of their own
        raise Retryable("A model failed on a batch.", code="engine_failed", stage="engine") from error
