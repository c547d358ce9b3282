"""Where on a page the parts of its layout lie: what PicoDet, as PaddleOCR trained it for layouts, is shown and says.

The network was trained on CDLA: pages of Chinese papers, upright, on white. So every page is shown to it in its own
proportions at the top left of a white portrait page: a cut-out table is then what it looks like, a table at the top.
The white below a page belongs to that; the white to its right tells nothing, and is left out.
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
from .preprocess import IMAGENET, Tensor, normalise

RegionKind = Literal["text", "title", "figure", "caption", "table", "header", "footer", "list", "equation"]

KINDS: tuple[RegionKind, ...] = (
    "text", "title", "figure", "caption", "table", "caption", "header", "footer", "list", "equation",
)  # fmt: skip
"""The network's classes, in the order its file gives under `character`: captions of figures and of tables are one kind,
and `reference`, which is a bibliography, is a list."""

HEIGHT, WIDTH = 800, 608
"""Of the network's input at its largest."""

_LEAST_WIDTH, _STEP = 256, 32
"""Its input halves five times. Of 33 cut-out tables, 30 are found (as tables, by more than half of their area, with 0.5
at least) whether narrow pages are shown narrow or not; 27 where white is left out below them."""

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

Head = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Region:
    """`box`: x0, y0, x1, y1 in pixels of the page that was asked about. `score`: 0 to 1."""

    kind: RegionKind
    box: tuple[float, float, float, float]
    score: float


def layout_tensor(page: Image) -> Tensor:
    """(3, HEIGHT, `shown_width`), BGR: RGB makes no difference to documents, and BGR needs no copy."""
    scale = _scale(page.shape[0], page.shape[1])
    height, width = (max(1, round(side * scale)) for side in page.shape[:2])
    shown = np.full((HEIGHT, shown_width(page.shape[0], page.shape[1]), 3), 255, np.uint8)
    shown[:height, :width] = cv2.resize(page, (width, height), interpolation=cv2.INTER_LINEAR)
    return normalise(shown, IMAGENET)


def shown_width(height: int, width: int) -> int:
    """Columns of the network's input for a page of `height` x `width`."""
    columns = round(width * _scale(height, width))
    return min(WIDTH, max(_LEAST_WIDTH, math.ceil(columns / _STEP) * _STEP))


def find_regions(scores: Sequence[Head], sides: Sequence[Head], *, height: int, width: int) -> tuple[Region, ...]:
    """The regions of a page of `height` x `width`, the surest first.

    For each of `STRIDES`, `scores` is (places, classes) and `sides` (places, 4 * BINS), places by rows: weights, before
    softmax, of the distances to the left, top, right and bottom.
    """
    columns = shown_width(height, width)
    found = [np.nonzero(head > LEAST_SCORE) for head in scores]
    boxes = np.concatenate(
        [
            _boxes(head[at], _middles(at, columns, stride), stride)
            for head, (at, _), stride in zip(sides, found, STRIDES, strict=True)
        ]
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


def _boxes(weights: Head, middles: NDArray[np.float64], stride: int) -> NDArray[np.float64]:
    """(n, 4), x0, y0, x1, y1 in pixels of the network's input; `middles` (n, 2), x then y, of the places."""
    bins = weights.reshape(-1, 4, BINS).astype(np.float64)
    shares = np.exp(bins - bins.max(axis=2, keepdims=True))
    distances = shares @ np.arange(BINS) / shares.sum(axis=2) * stride
    return np.concatenate([middles - distances[:, :2], middles + distances[:, 2:]], axis=1)


def _middles(places: NDArray[np.intp], columns: int, stride: int) -> NDArray[np.float64]:
    across = math.ceil(columns / stride)
    return (np.stack([places % across, places // across], axis=1).astype(np.float64) + 0.5) * stride


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
