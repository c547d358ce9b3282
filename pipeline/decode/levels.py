"""Pixels of any kind to RGB of 8 bits, as if printed on paper. Child process only."""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageOps

from pipeline.decode.refusals import refusal

_MEASUREMENTS: Final = ("F", "LAB", "La")
_WIDE_GREY: Final = ("I", "I;16", "I;16L", "I;16B", "I;16N")
"""Pillow's pixel modes."""

_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262
"""TIFF tags; a photometric interpretation of 0 says that white is zero."""

_MOST_BITS_UNUSED = 12
"""16 bits of which so many or fewer are used are a scanner's or camera's own scale: as 16 bits they would be black."""

_LIGHT_LEVEL, _DARK_LEVEL = 215, 40
"""Grey levels from which print can't be seen on white, and to which it can't be seen on black."""

_PRINT_SHARE = 0.05
"""Share of the visible pixels that is print rather than the edges of print."""

_CLEAR_SHARE = 0.5
"""Share of a picture that is transparent where print stands alone on it."""

_VISIBLE_ALPHA = 32
"""Alpha from which a pixel counts as visible: faint print is as light on white as its colour."""

_WHITE, _GREY, _BLACK = 255, 128, 0


def eight_bits(image: Image.Image) -> Image.Image:
    """Grey of more bits to 8; other pixels as they are. Raises Rejected `unsupported_format` for measurements."""
    if image.mode in _MEASUREMENTS:
        raise refusal("unsupported_format")
    if image.mode not in _WIDE_GREY:
        return image
    wide = image if image.mode == "I" else image.convert("I")
    low, high = (int(level) for level in wide.getextrema())  # type: ignore[arg-type]  # numbers, for one band
    if low < 0 or high > 0xFFFF:
        raise refusal("unsupported_format")
    tags = getattr(image, "tag_v2", {})
    share = 255 / ((1 << _bits_used(max(tags.get(_BITS_PER_SAMPLE) or (16,)), high)) - 1)
    grey = wide.point(lambda value: value * share + 0.5).convert("L")
    return ImageOps.invert(grey) if tags.get(_PHOTOMETRIC) == 0 else grey


def _bits_used(stated: int, highest: int) -> int:
    """Bits of the scale of a grey picture: those stated, or fewer where its `highest` level says so."""
    if 8 < stated < 16 and highest < 1 << stated:
        return stated
    used = max(highest.bit_length(), 8)
    return used if used <= _MOST_BITS_UNUSED else 16


def on_paper(image: Image.Image) -> Image.Image:
    """RGB on white paper; on black or grey where print that stands alone on a transparent ground is lost on white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    paper = Image.new("RGBA", layer.size, (_ground(layer),) * 3)
    paper.alpha_composite(layer)
    return paper.convert("RGB")


def _ground(layer: Image.Image) -> int:
    """The grey level on which all print of a picture can be seen."""
    visible = layer.getchannel("A").point(lambda alpha: 255 * (alpha >= _VISIBLE_ALPHA))
    count = visible.histogram()[255]
    if count == 0 or count > (1 - _CLEAR_SHARE) * layer.width * layer.height:
        return _WHITE
    levels = layer.convert("L").histogram(mask=visible)
    light, dark = sum(levels[_LIGHT_LEVEL:]), sum(levels[: _DARK_LEVEL + 1])
    if light < _PRINT_SHARE * count:
        return _WHITE
    return _BLACK if dark < _PRINT_SHARE * count else _GREY
