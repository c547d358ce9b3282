"""Which way up a page stands, and the way between a page and its upright image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Image, Polygons
from .preprocess import Normalisation, Tensor, normalise

Rotation = Literal[0, 90, 180, 270]
"""Clockwise degrees that make the text of a page upright."""

_SIDE = 224
_NORMALISATION = Normalisation(1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Input of PaddleClas' classifiers of orientation, in RGB: sides and ImageNet's figures. The whole page is shown,
squeezed: of 61 receipts, turned all four ways, 241 of 244 were told right so, and fewer by a square out of the middle."""

_UNDO: tuple[Rotation, ...] = (0, 270, 180, 90)
"""Classes say how far a page is turned clockwise, in quarters; this is what turns it back."""

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True, slots=True)
class Turn:
    """What a classifier says of a page. `confidence`: its probability, 0 to 1; sure of itself it may still be wrong."""

    rotation: Rotation
    confidence: float


def orientation_tensor(page: Image) -> Tensor:
    """(3, 224, 224), RGB."""
    rows, columns = (max(1, side // (2 * _SIDE)) for side in page.shape[:2])  # a few pixels of a scan are enough
    shown = cv2.resize(page[::rows, ::columns], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return normalise(np.asarray(shown, np.uint8)[:, :, ::-1], _NORMALISATION)


def turn_of(probabilities: NDArray[np.float32]) -> Turn:
    """`probabilities`: (4,), of pages turned clockwise by 0, 90, 180 and 270 degrees."""
    standing = int(probabilities.argmax())
    return Turn(_UNDO[standing], min(1.0, float(probabilities[standing])))


def turned(image: Image, rotation: Rotation) -> Image:
    """The image turned clockwise; contiguous."""
    return np.asarray(cv2.rotate(image, _TURNS[rotation]), np.uint8) if rotation else image


def to_page(polygons: NDArray[np.float32], rotation: Rotation, *, width: int, height: int) -> Polygons:
    """Points (..., 2) of the image that `turned` by `rotation`, in the frame of the page it was, `width` x `height`.

    A page spans 0 to its width and height, so points at its edges stay at its edges. Corners keep their order: the
    first is still the text's own top left.
    """
    x, y = polygons[..., 0], polygons[..., 1]
    match rotation:
        case 0:
            back = (x, y)
        case 90:
            back = (y, height - x)
        case 180:
            back = (width - x, height - y)
        case 270:
            back = (width - y, x)
    return np.stack(back, axis=-1).astype(np.float32)
