"""The resolution that an image file claims, and pixels that are not square. Child process only."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image

_SANE_DPI = (50.0, 2400.0)
"""72 and 96 are defaults that programs write unasked, yet harmless; 1 and 65535 are noise."""

_SQUARE_RATIO = 1.05
"""Ratio of the two resolutions from which a page looks squashed."""

_SANE_RATIO = 5.0
"""The coarsest fax mode is 204 x 98 dpi, dot-matrix printers reach 240 x 60; a larger ratio is noise."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Dots per inch across and down the page as it is shown."""

    x: float
    y: float

    @property
    def is_square(self) -> bool:
        return max(self.x, self.y) / min(self.x, self.y) <= _SQUARE_RATIO

    @property
    def dpi(self) -> float:
        """Of the page with square pixels."""
        return math.sqrt(self.x * self.y) if self.is_square else max(self.x, self.y)

    def square_size(self, width: int, height: int) -> tuple[int, int]:
        """`width` x `height` pixels stretched to the finer of both resolutions either way."""
        if self.is_square:
            return width, height
        return round(width * self.dpi / self.x), round(height * self.dpi / self.y)


def resolution_of(image: Image.Image, *, turned: bool) -> Resolution | None:
    """None where the file claims none, or nonsense. `turned`: the page is shown a quarter turn off."""
    try:
        x, y = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    low, high = _SANE_DPI
    if not (low <= x <= high and low <= y <= high and max(x, y) / min(x, y) <= _SANE_RATIO):
        return None
    return Resolution(y, x) if turned else Resolution(x, y)


def squared(page: Image.Image, resolution: Resolution) -> Image.Image:
    size = resolution.square_size(page.width, page.height)
    return page if size == page.size else page.resize(size, Image.Resampling.BICUBIC)
