"""What an engine is: loaded models on one device, arrays in, text and boxes out.

An engine lives on the thread of its lane and is used only there (PaddleOCR's and Paddle's own objects are not
thread-safe). Engines know nothing of documents, topics or batching policy.

Rule: what an engine answers for one item depends on that item alone, never on what shares its batch. The padded size
of an item is therefore a function of the item (`page_bucket`, `crop_bucket`), and a batch never mixes buckets.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(height, width, 3), uint8, BGR (OpenCV's order, which PaddleOCR's models were trained on), contiguous."""

Polygons = NDArray[np.float32]
"""(n, 4, 2), float32, x then y in pixels of the image given; clockwise from the text's own top left."""


@dataclass(frozen=True, slots=True)
class ModelStamp:
    """Which model ran, and on what: goes into every result and into the pipeline fingerprint."""

    name: str
    sha256: str
    runtime: str
    device: str
    precision: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """The shape class of an item and what it costs once padded (in any unit that adds up within one stage)."""

    key: Hashable
    cost: int


@dataclass(frozen=True, slots=True)
class Regions:
    """Text regions found on one page. `scores` is (n,) float32, 0 to 1, the detector's own."""

    polygons: Polygons
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one crop says. `confidence` is the mean probability of the characters kept, 0 to 1; 0 for no text."""

    text: str
    confidence: float


class Engine(Protocol):
    """Contract: `detect` and `recognise` answer with the same length and order as they were asked."""

    @property
    def models(self) -> tuple[ModelStamp, ...]: ...

    def page_bucket(self, height: int, width: int) -> Bucket: ...

    def crop_bucket(self, height: int, width: int) -> Bucket: ...

    def detect(self, pages: Sequence[Image]) -> list[Regions]: ...

    def recognise(self, crops: Sequence[Image]) -> list[Reading]: ...

    def close(self) -> None: ...
