"""What a model is shown: pages and crops resized and normalised the way the model's own `inference.yml` says.

Every size here is a function of the one item, so that an answer can't depend on what shares its batch.
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

LimitType = Literal["max", "min"]

Tensor = NDArray[np.float32]
"""(channels, height, width), float32, contiguous."""

STRIDE = 32
"""The detector halves its input five times, so sides are multiples of 32."""

CROP_STEP = 8
"""The recogniser reads one character position for every 8 columns."""

SQUEEZE = ((80, 1.0), (400, 0.65), (math.inf, 0.85))
"""How a line's own columns become those it is shown with: (up to this column, each one before it counts so much).

PaddleOCR's recognisers learn from crops of 320 columns at most, longer lines squeezed into them, so squeezed text is
what they know. Chosen on 61 scanned receipts, 31 pages of many scripts and 33 tables, mostly born digital: F1 of words,
unsqueezed and so, is 0.9465 and 0.9505, 0.7016 and 0.7012, 0.9749 and 0.9747; a fifth of the receipts' columns need no
arithmetic. Squeezed from the first column on, short cells of tables lose (0.975 to 0.970 at 0.8); with 0.6 throughout
the many scripts do (to 0.693).
"""

CONTEXT_COLUMNS = 128
"""The fewest columns that a crop is shown with: a narrower one gets columns of the normalisation's mean on its right.

PaddleOCR's recognisers learn from crops padded to 320 columns. Without padding they drop and double digits in short
crops. Of 1 080 drawn amounts at 72 to 150 dpi, with separators mended by their page, 1 069 are read exactly with 112
columns, 1 070 with 128 and 144, 1 073 with 160. F1 of words of 61 receipts is 0.9617, 0.9624, 0.9622 and 0.9622, in
47.8, 49.3, 51.8 and 53.7 s of processor time.
"""

_SMALLEST_SUM = 64
"""PaddleOCR pads pages whose height and width add up to less; resizing them would blow up a few pixels."""


@dataclass(frozen=True, slots=True)
class PageLimits:
    """How large a page is shown to the detector, in pixels of a side.

    `max` reduces a page whose longer side exceeds `side`; `min` enlarges one whose shorter side is below it. No side
    ever exceeds `ceiling`.
    """

    side: int = 960
    kind: LimitType = "max"
    ceiling: int = 4000


@dataclass(frozen=True, slots=True)
class Normalisation:
    """`(pixel * scale - mean) / std` for each channel, in the channel order of the image."""

    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


IMAGENET = Normalisation(1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""ImageNet's figures: what PaddleOCR's and PaddleClas' networks without an `inference.yml` were trained with."""


@dataclass(frozen=True, slots=True)
class CropShape:
    """What the recogniser reads: crops of a fixed height, and a ceiling for the width (longer lines are squeezed)."""

    height: int
    widest: int


def largest_side(limits: PageLimits) -> int:
    """The most pixels either side of a page is ever shown with."""
    return _strides(min(limits.side, limits.ceiling) if limits.kind == "max" else limits.ceiling, limits.ceiling)


def page_size(height: int, width: int, limits: PageLimits) -> tuple[int, int]:
    """Height and width at which a page is shown to the detector: near its own shape, multiples of `STRIDE`."""
    ratio = 1.0
    if limits.kind == "max":
        ratio = min(1.0, limits.side / max(height, width))
    elif min(height, width) < limits.side:
        ratio = limits.side / min(height, width)
    ratio = min(ratio, limits.ceiling / max(height, width))
    return _strides(int(height * ratio), limits.ceiling), _strides(int(width * ratio), limits.ceiling)


def page_share(height: int, width: int, limits: PageLimits) -> float:
    """How much of its size the detector sees of a page; more than 1 where it is enlarged."""
    return max(page_size(height, width, limits)) / max(height, width)


def sizes_at(
    shapes: Sequence[tuple[int, ...]], shares: Sequence[float] | None, limits: PageLimits
) -> list[tuple[int, int]]:
    """Height and width at which pages of `shapes` (height, width, ...) are shown: with `shares`, else as usual."""
    if shares is None:
        return [page_size(height, width, limits) for height, width, *_ in shapes]
    return [_size_at(shape[0], shape[1], share, limits) for shape, share in zip(shapes, shares, strict=True)]


def _size_at(height: int, width: int, share: float, limits: PageLimits) -> tuple[int, int]:
    if share == page_share(height, width, limits):
        return page_size(height, width, limits)
    shown_height, shown_width = (max(STRIDE, round(side * share / STRIDE) * STRIDE) for side in (height, width))
    return shown_height, shown_width


def page_image(page: Image, size: tuple[int, int]) -> Image:
    """One page at `size` (height, width). A page of a few pixels is set into black first."""
    height, width = page.shape[:2]
    if height + width < _SMALLEST_SUM:
        page = _pad(page, max(height, STRIDE), max(width, STRIDE))
    return _resize(page, size)


def page_tensor(page: Image, size: tuple[int, int], normalisation: Normalisation) -> Tensor:
    """`page_image`, normalised."""
    return normalise(page_image(page, size), normalisation)


def page_scale(height: int, width: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """(x, y) factors from the detector's pixels back to the page's, for a page shown at `size` (height, width)."""
    if height + width < _SMALLEST_SUM:
        height, width = max(height, STRIDE), max(width, STRIDE)
    return np.array([width / size[1], height / size[0]], np.float32)


def natural_width(height: int, width: int, shape: CropShape) -> int:
    """Columns a crop has at the recogniser's height, in its own proportions."""
    return math.ceil(shape.height * width / height)


def crop_width(height: int, width: int, shape: CropShape) -> int:
    """Columns a crop is shown with: its own, a long one's squeezed, up to the next multiple of `CROP_STEP`."""
    natural = natural_width(height, width, shape)
    shown, before = 0.0, 0.0
    for limit, share in SQUEEZE:
        shown += share * max(0, min(natural, limit) - before)
        before = limit
    return min(math.ceil(shown / CROP_STEP) * CROP_STEP, shape.widest)


def padded_crop_width(height: int, width: int, shape: CropShape) -> int:
    """Columns that the recogniser reads of a crop: `crop_width`, and at least `CONTEXT_COLUMNS`."""
    return max(crop_width(height, width, shape), min(CONTEXT_COLUMNS, shape.widest))


def crop_image(crop: Image, shape: CropShape) -> Image:
    """One crop at the recogniser's height and `crop_width` columns, without padding."""
    return _resize(crop, (shape.height, crop_width(crop.shape[0], crop.shape[1], shape)))


def crop_tensor(crop: Image, shape: CropShape, normalisation: Normalisation) -> Tensor:
    """`crop_image`, normalised, and padded on its right with zeros to `padded_crop_width` columns."""
    tensor = normalise(crop_image(crop, shape), normalisation)
    missing = padded_crop_width(crop.shape[0], crop.shape[1], shape) - tensor.shape[2]
    return np.pad(tensor, ((0, 0), (0, 0), (0, missing))) if missing else tensor


def normalise(image: Image, normalisation: Normalisation) -> Tensor:
    """Channels first, in the image's own channel order."""
    tensor = np.empty((3, *image.shape[:2]), np.float32)
    for channel, (mean, std) in enumerate(zip(normalisation.mean, normalisation.std, strict=True)):
        np.multiply(image[:, :, channel], np.float32(normalisation.scale / std), out=tensor[channel])
        tensor[channel] -= np.float32(mean / std)
    return tensor


def _resize(image: Image, size: tuple[int, int]) -> Image:
    resized = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


def _strides(side: int, ceiling: int) -> int:
    return max(STRIDE, min(round(side / STRIDE), ceiling // STRIDE) * STRIDE)


def _pad(page: Image, height: int, width: int) -> Image:
    padded = np.zeros((height, width, 3), np.uint8)
    padded[: page.shape[0], : page.shape[1]] = page
    return padded
