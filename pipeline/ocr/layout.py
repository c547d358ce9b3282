"""Where on a page the parts of its layout lie: what PicoDet, as PaddleOCR trained it for layouts, is shown and says.

The network was trained on CDLA: pages of Chinese papers, upright, on white. So every page is shown to it in its own
proportions at the top left of a white portrait page: a cut-out table is then what it looks like, a table at the top.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Image
from .preprocess import Normalisation, Tensor, normalise

RegionKind = Literal["text", "title", "figure", "caption", "table", "header", "footer", "list", "equation"]

KINDS: tuple[RegionKind, ...] = (
    "text", "title", "figure", "caption", "table", "caption", "header", "footer", "list", "equation",
)  # fmt: skip
"""The network's classes, in the order its file gives under `character`: captions of figures and of tables are one kind,
and `reference`, which is a bibliography, is a list."""

HEIGHT, WIDTH = 800, 608
"""Of the network's input."""

STRIDES = (8, 16, 32, 64)
"""Pixels between the places each of its heads looks at."""

BINS = 8
"""A side's distance from its place is given as weights of 0 to 7 strides."""

LEAST_SCORE = 0.3
MOST_OVERLAP = 0.5
MOST_BOXES = 1000
"""Boxes of one page that are compared with each other; both this and the overlap as in PaddleDetection's settings."""

_LEAST_SIDE = 4.0
"""Pixels of the page a region must have each way; what the network sees in the white beside a page has none left."""

_NORMALISATION = Normalisation(1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""ImageNet's figures; BGR or RGB makes no difference to documents, and BGR needs no copy."""

Head = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Region:
    """`box`: x0, y0, x1, y1 in pixels of the page that was asked about. `score`: 0 to 1."""

    kind: RegionKind
    box: tuple[float, float, float, float]
    score: float


def layout_tensor(page: Image) -> Tensor:
    """(3, 800, 608), BGR."""
    scale = _scale(page.shape[0], page.shape[1])
    height, width = (max(1, round(side * scale)) for side in page.shape[:2])
    shown = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    shown[:height, :width] = cv2.resize(page, (width, height), interpolation=cv2.INTER_LINEAR)
    return normalise(shown, _NORMALISATION)


def find_regions(scores: Sequence[Head], sides: Sequence[Head], *, height: int, width: int) -> tuple[Region, ...]:
    """The regions of a page of `height` x `width`, the surest first.

    For each of `STRIDES`, `scores` is (places, classes) and `sides` (places, 4 * BINS), places by rows: weights, before
    softmax, of the distances to the left, top, right and bottom.
    """
    found = [np.nonzero(head > LEAST_SCORE) for head in scores]
    boxes = np.concatenate(
        [_boxes(head[at], at, step) for head, (at, _), step in zip(sides, found, STRIDES, strict=True)]
    )
    likely = np.concatenate([head[at] for head, at in zip(scores, found, strict=True)])
    kinds = [KINDS[number] for _, numbers in found for number in numbers]
    boxes = np.clip(boxes / _scale(height, width), 0, np.array([width, height, width, height]))
    large = np.flatnonzero((boxes[:, 2:] - boxes[:, :2] > _LEAST_SIDE).all(axis=1))
    kept = large[_apart(boxes[large], likely[large], [kinds[place] for place in large])]
    return tuple(Region(kinds[place], _corners(boxes[place]), min(1.0, float(likely[place]))) for place in kept)


def _scale(height: int, width: int) -> float:
    """Pixels of the network's input for one of the page."""
    return min(HEIGHT / height, WIDTH / width)


def _boxes(weights: Head, places: NDArray[np.intp], stride: int) -> NDArray[np.float64]:
    """(n, 4), x0, y0, x1, y1 in pixels of the network's input."""
    bins = weights.reshape(-1, 4, BINS).astype(np.float64)
    shares = np.exp(bins - bins.max(axis=2, keepdims=True))
    distances = shares @ np.arange(BINS) / shares.sum(axis=2) * stride
    columns = math.ceil(WIDTH / stride)
    middles = (np.stack([places % columns, places // columns], axis=1) + 0.5) * stride
    return np.concatenate([middles - distances[:, :2], middles + distances[:, 2:]], axis=1)


def _apart(boxes: NDArray[np.float64], scores: Head, kinds: Sequence[RegionKind]) -> NDArray[np.intp]:
    """Places of the boxes that no better one of their kind overlaps, the best first."""
    if not len(boxes):
        return np.zeros(0, np.intp)
    numbers = [KINDS.index(kind) for kind in kinds]
    sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxesBatched(
        sizes.tolist(), scores.tolist(), numbers, LEAST_SCORE, MOST_OVERLAP, eta=1.0, top_k=MOST_BOXES
    )
    places = np.asarray(kept, np.intp)
    return places[np.argsort(-scores[places], kind="stable")]


def _corners(box: NDArray[np.float64]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box.tolist()
    return x0, y0, x1, y1
