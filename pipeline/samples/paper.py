"""Ink on paper, and what scanners and cameras do to it. Images are float32 in 0 to 1, (height, width[, 3]), RGB."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.float32]


class Sheet:
    """White paper to write on in black, in a face that Pillow carries (ASCII only). Places are in pixels."""

    def __init__(self, width: int, height: int) -> None:
        self._image = Image.new("L", (width, height), 255)
        self._draw = ImageDraw.Draw(self._image)

    def write(self, x: float, y: float, text: str, *, size: float, weight: int = 0, anchor: str = "la") -> None:
        """`anchor` as Pillow has it; `weight` is a stroke around every letter, in pixels."""
        self._draw.text((x, y), text, fill=20, font=face(size), stroke_width=weight, anchor=anchor)

    def rule(self, x0: float, y: float, x1: float, *, width: int = 2) -> None:
        self._draw.line((x0, y, x1, y), fill=40, width=width)

    def picture(self) -> Picture:
        return np.asarray(self._image, np.float32) / np.float32(255)


def face(size: float) -> Any:
    return ImageFont.load_default(size)


def wrap(text: str, width: float, size: float) -> list[str]:
    """`text` in lines at most `width` pixels wide, each as full as it goes."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if face(size).getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def turn(picture: Picture, degrees: float, *, around: float) -> Picture:
    """Turned about its centre, anticlockwise; `around` is the grey that comes into the corners."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turned = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_AREA, borderValue=(around,) * 3)
    return np.asarray(turned, np.float32)


def grain(picture: Picture, strength: float, random: np.random.Generator) -> Picture:
    """A sensor's noise; `strength` is its standard deviation."""
    return np.clip(picture + random.normal(0, strength, picture.shape), 0, 1).astype(np.float32)


def blotches(height: int, width: int, cell: int, random: np.random.Generator) -> Picture:
    """A smooth random field in 0 to 1 whose features are about `cell` pixels wide."""
    coarse = random.random((height // cell + 3, width // cell + 3), np.float32)
    return np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1).astype(np.float32)


def encoded(picture: Picture, form: str, **options: Any) -> bytes:
    """`form` and `options` as Pillow's `save` has them."""
    out = io.BytesIO()
    Image.fromarray((picture * 255).round().astype(np.uint8)).save(out, form, **options)
    return out.getvalue()
