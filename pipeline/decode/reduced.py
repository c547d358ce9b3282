"""Pictures of more pixels than allowed, decoded at a half, a quarter ... of their sides. Child process only.

A JPEG can be decoded so down to an eighth, a JPEG 2000 as far as its levels go; no other format can.
"""

from __future__ import annotations

from typing import Any, Final

from PIL import Image

from pipeline.decode.formats import Format
from pipeline.decode.limits import DecodeLimits

_JPEG_HALVINGS: Final = 3
_COEFFICIENT_BYTES: Final = 2
"""A progressive JPEG is kept whole as coefficients of so many bytes until its last scan is read."""

_CODESTREAM, _CODING_STYLE, _LEVELS_AT = b"\xff\x4f\xff\x51", b"\xff\x52", 9
"""JPEG 2000: begin of the codestream; marker of the coding style, and how far behind it the number of levels lies."""


def ask_reduced(
    image: Image.Image, document: bytes, form: Format, limits: DecodeLimits
) -> tuple[tuple[int, int], float]:
    """Ask for the least reduction that `limits` allow. Nothing is decoded.

    Returns the size that the stored picture will be decoded to, and the share of its sides that this is: 1 where it is
    small enough, or can't be reduced enough.
    """
    width, height = image.size
    if width < 1 or height < 1 or limits.page_allows(width, height):
        return image.size, 1.0
    for halvings in range(1, _most_halvings(image, document, form, limits) + 1):
        size = (-(-width >> halvings), -(-height >> halvings))
        if limits.page_allows(*size):
            _ask(image, form, size, halvings)
            return size, 1 / (1 << halvings)
    return image.size, 1.0


def _most_halvings(image: Image.Image, document: bytes, form: Format, limits: DecodeLimits) -> int:
    match form:
        case Format.JPEG:
            coefficients = image.width * image.height * len(image.getbands()) * _COEFFICIENT_BYTES
            is_kept_whole = "progressive" in image.info
            return 0 if is_kept_whole and coefficients > limits.memory_bytes // 2 else _JPEG_HALVINGS
        case Format.JPEG2000:
            begin = document.find(_CODESTREAM)
            at = document.find(_CODING_STYLE, begin) + _LEVELS_AT if begin >= 0 else len(document)
            return min(document[at], 32) if _LEVELS_AT <= at < len(document) else 0
    return 0


def _ask(image: Any, form: Format, size: tuple[int, int], halvings: int) -> None:
    if form is Format.JPEG:
        image.draft(None, (max(1, image.width >> halvings), max(1, image.height >> halvings)))
    else:
        image._size = (size[0] << halvings, size[1] << halvings)  # Pillow rounds half up where OpenJPEG rounds up
        image.reduce = halvings
