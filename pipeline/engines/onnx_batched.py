"""Text detection and recognition with ONNX Runtime on a GPU: fixed shapes, full batches.

Every item is padded to a size that is a function of the item alone, and every run of that size has the same number of
items (blank ones at the end), so that the device computes an item the same way whatever comes along with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import BoundedSemaphore
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.ocr.boxes import find_boxes
from pipeline.ocr.preprocess import (
    CROP_STEP,
    Normalisation,
    PageLimits,
    crop_image,
    largest_side,
    padded_crop_width,
    page_image,
    page_scale,
    page_share,
    sizes_at,
)
from pipeline.ocr.text.alphabet import ASKED
from pipeline.ocr.text.reading import as_reading
from pipeline.ocr.tiles import joined_map, tiles_of

from .base import Bucket, Engine, EngineSettings, Image, ModelStamp, Reading, Regions
from .batched_models import Plans, open_profiles, plans
from .binding import Output, Staging, staging
from .graph import BEST, CHANCES, IMAGE, LEVELS
from .recipe import DetectionRecipe, RecognitionRecipe
from .session import Session
from .shapes import Profile, Runs, Size, padded_page, padded_side, padded_width, runs_for, serving
from .structure import SeesStructure, load_structure

IN_FLIGHT = 2
"""Runs of all lanes on the device at a time: one computes while another is copied. More would only take its memory."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Model:
    """A model's sessions, one for each profile, and the way to them. Shared by all lanes."""

    profiles: tuple[Profile, ...]
    sessions: tuple[Session, ...]
    door: BoundedSemaphore

    def count(self, size: Size) -> int:
        return self.profiles[serving(self.profiles, size)].count

    def run(self, memory: Staging, batch: NDArray[np.uint8], outputs: Sequence[Output]) -> list[NDArray[Any]]:
        session = self.sessions[serving(self.profiles, (batch.shape[1], batch.shape[2]))]
        with self.door:
            return memory.run(session, IMAGE, batch=batch, outputs=outputs)


@dataclass(frozen=True, slots=True)
class BatchedEngine(SeesStructure):
    """An engine of one lane: the models are all lanes', the memory is its own."""

    detector: Model
    recogniser: Model
    detection: DetectionRecipe
    recognition: RecognitionRecipe
    levels: float
    limits: PageLimits
    runs: Runs
    memory: Staging
    models: tuple[ModelStamp, ...]

    def page_bucket(self, height: int, width: int) -> Bucket:
        """The cost is a part of a run."""
        return Bucket(padded_page(height, width, self.limits), 1)

    def crop_bucket(self, height: int, width: int) -> Bucket:
        """The cost is a part of a run, where a run costs `runs.crops`."""
        columns = self._columns(height, width)
        return Bucket(columns, self.runs.crop_cost(columns))

    def page_share(self, height: int, width: int) -> float:
        return page_share(height, width, self.limits)

    def detect(self, pages: Sequence[Image], shares: Sequence[float] | None = None) -> list[Regions]:
        sizes = sizes_at([page.shape for page in pages], shares, self.limits)
        tiles = [tiles_of(size, largest_side(self.limits)) for size in sizes]
        shown = [page_image(page, size) for page, size in zip(pages, sizes, strict=True)]
        parts = [image[tile.part] for image, cut in zip(shown, tiles, strict=True) for tile in cut]
        maps = iter(self._maps(parts))
        joined = [joined_map(cut, [next(maps) for _ in cut], size) for cut, size in zip(tiles, sizes, strict=True)]
        return [self._regions(page, plane) for page, plane in zip(pages, joined, strict=True)]

    def recognise(self, crops: Sequence[Image]) -> list[Reading]:
        answers: dict[int, Reading] = {}
        height = self.recognition.shape.height
        keys = [(height, self._columns(crop.shape[0], crop.shape[1])) for crop in crops]
        for size, places in _runs(keys, self.recogniser.count):
            for place, reading in zip(places, self._recognise([crops[place] for place in places], size), strict=True):
                answers[place] = reading
        return [answers[place] for place in range(len(crops))]

    def close(self) -> None:
        """Nothing to do: sessions and memory go with the last lane that holds them."""

    def _maps(self, images: Sequence[Image]) -> list[NDArray[np.float32]]:
        """The probability map of each image, which has the detector's resolution and at most its largest side."""
        answers: dict[int, NDArray[np.float32]] = {}
        keys = [(padded_side(image.shape[0]), padded_side(image.shape[1])) for image in images]
        for size, places in _runs(keys, self.detector.count):
            for place, found in zip(places, self._detect([images[place] for place in places], size), strict=True):
                answers[place] = found
        return [answers[place] for place in range(len(images))]

    def _detect(self, images: Sequence[Image], size: Size) -> list[NDArray[np.float32]]:
        """One run: no more images than fit, all of one padded size."""
        count = self.detector.count(size)
        batch = self.memory.batch((count, *size, 3))
        for row, image in enumerate(images):
            _set_in(batch[row], image)
        batch[len(images) :] = 0
        (levels,) = self.detector.run(self.memory, batch, page_outputs(count, size))
        return [
            np.multiply(levels[row, 0, : image.shape[0], : image.shape[1]], 1 / self.levels, dtype=np.float32)
            for row, image in enumerate(images)
        ]

    def _recognise(self, crops: Sequence[Image], size: Size) -> list[Reading]:
        """One run: no more crops than fit, all of one padded size."""
        count = self.recogniser.count(size)
        batch, blank = self.memory.batch((count, *size, 3)), _blank(self.recognition.normalisation)
        for row, crop in enumerate(crops):
            image = crop_image(crop, self.recognition.shape)
            batch[row, :, : image.shape[1]] = image
            batch[row, :, image.shape[1] :] = blank
        batch[len(crops) :] = blank[0]
        lines = zip(*self.recogniser.run(self.memory, batch, crop_outputs(count, size)), strict=True)
        return [
            as_reading((classes, values), (plain, plain_values), chances, self.recognition.alphabet)
            for classes, values, plain, plain_values, chances in islice(lines, len(crops))
        ]

    def _columns(self, height: int, width: int) -> int:
        return padded_width(padded_crop_width(height, width, self.recognition.shape))

    def _regions(self, page: Image, plane: NDArray[np.float32]) -> Regions:
        height, width = page.shape[:2]
        scale = page_scale(height, width, (plane.shape[0], plane.shape[1]))
        return Regions(*find_boxes(plane, self.detection.boxes, scale=scale, height=height, width=width))


def load(settings: EngineSettings, lanes: int) -> list[Engine]:
    """Batched engines on whatever device the settings say: on a CPU for comparing with a GPU, not for speed."""
    return load_batched(settings, lanes)


def load_batched(settings: EngineSettings, lanes: int, runs: Runs | None = None) -> list[Engine]:
    """As `load`; `runs` holds fewer items than usual in tests."""
    runs = runs or runs_for(settings.page)
    prepared = plans(settings, runs)
    door = BoundedSemaphore(IN_FLIGHT)
    detector, recogniser = (
        Model(plan.profiles, open_profiles(plan, settings), door) for plan in (prepared.detector, prepared.recogniser)
    )
    inward, outward = largest_run(prepared)
    structure = load_structure(settings)
    return [
        BatchedEngine(
            structure,
            detector,
            recogniser,
            prepared.detection,
            prepared.recognition,
            prepared.levels,
            settings.page,
            runs,
            staging(inward, outward, settings.device),
            (*prepared.stamps, *structure.models),
        )
        for _ in range(lanes)
    ]


def page_outputs(count: int, size: Size) -> list[Output]:
    """What the detector answers to a run of `count` pages."""
    return [Output(LEVELS, (count, 1, *size), np.uint8)]


def crop_outputs(count: int, size: Size) -> list[Output]:
    """What the recogniser answers to a run of `count` crops."""
    steps = count, size[1] // CROP_STEP
    best = zip(BEST, (np.int64, np.float32) * 2, strict=True)
    return [*(Output(name, steps, kind) for name, kind in best), Output(CHANCES, (*steps, ASKED), np.float32)]


def largest_run(prepared: Plans) -> tuple[int, int]:
    """Bytes of the largest input, and of the largest outputs, of any run."""
    inward, outward = 0, 0
    for plan, outputs in ((prepared.detector, page_outputs), (prepared.recogniser, crop_outputs)):
        for profile in plan.profiles:
            for height, width in profile.sizes:
                inward = max(inward, profile.count * height * width * 3)
                outward = max(outward, sum(output.size for output in outputs(profile.count, (height, width))))
    return inward, outward


def _set_in(target: NDArray[np.uint8], image: Image) -> None:
    """The image with its last row and column repeated: any other padding makes an edge that is taken for text."""
    below, beside = target.shape[0] - image.shape[0], target.shape[1] - image.shape[1]
    target[:] = cv2.copyMakeBorder(image, 0, below, 0, beside, cv2.BORDER_REPLICATE)


def _blank(normalisation: Normalisation) -> NDArray[np.uint8]:
    """The colour that normalises to zero, which is what PaddleOCR pads with."""
    return np.round(np.array(normalisation.mean) / normalisation.scale).astype(np.uint8)


def _runs(keys: Sequence[_T], most: Callable[[_T], int]) -> Iterator[tuple[_T, list[int]]]:
    """Places of equal keys, at most `most(key)` together, in the order keys first come."""
    groups: dict[_T, list[int]] = {}
    for place, key in enumerate(keys):
        groups.setdefault(key, []).append(place)
    for key, places in groups.items():
        for start in range(0, len(places), most(key)):
            yield key, places[start : start + most(key)]
