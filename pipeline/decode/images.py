"""Pages of an image file as a viewer shows them: orientation applied, on white, 8 bits, BGR. Child process only.

Colour profiles are ignored. A file cut short is refused, never half read (`ImageFile.LOAD_TRUNCATED_IMAGES` is off).
"""

from __future__ import annotations

import io
import math
from typing import Final

# Each plugin registers itself; without these, Pillow imports all forty of them for the first WebP or TIFF.
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from pipeline.decode.formats import Format
from pipeline.decode.limits import DecodeLimits
from pipeline.decode.protocol import PageHeader, PageSize
from pipeline.decode.refusals import refusal
from pipeline.decode.rendered import Rendered, check_document, check_number

PLUGINS: Final = (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
SANE_DPI = (50.0, 2400.0)  # 72 and 96 are defaults that programs write unasked, yet harmless; 1 and 65535 are noise
SQUARE = 1.05  # ratio of the two resolutions from which a page looks squashed
PHOTOMETRIC = 262  # TIFF tag; 0 says that white is zero
WIDE_GREY = ("I", "I;16", "I;16L", "I;16B", "I;16N")


class ImagePages:
    """An open image: one page, or one a directory of a TIFF. Animations give their first frame."""

    def __init__(self, document: bytes, *, form: Format, limits: DecodeLimits) -> None:
        self._limits = limits
        self._format = form
        self._image = _open(document, form, limits)
        self._turned_late = form is Format.PNG and "exif" not in self._image.info and b"eXIf" in document
        self.sizes = self._measure()
        check_document(self.sizes, limits)

    def _measure(self) -> tuple[PageSize | None, ...]:
        if self._format is not Format.TIFF:
            return (self._size(),)
        sizes: list[PageSize | None] = []
        while self._seek_next(sizes):
            if len(sizes) > self._limits.max_pages:
                raise refusal("too_many_pages")
        return tuple(sizes)

    def _seek_next(self, sizes: list[PageSize | None]) -> bool:
        """A directory that can't be read is a page that can't: it counts, and ends the chain."""
        try:
            self._image.seek(len(sizes))
        except EOFError:
            return False
        except MemoryError:
            raise
        except Exception:
            sizes.append(None)
            return False
        sizes.append(self._size())
        return True

    def _size(self) -> PageSize | None:
        """Size after orientation, without decoding; but for a PNG that names its orientation behind its pixels."""
        width, height = self._image.size
        if width < 1 or height < 1:
            return None
        if self._turned_late and self._limits.page_allows(width, height):
            _load(self._image)
        if self._format is not Format.TIFF and _orientation(self._image) in (5, 6, 7, 8):
            width, height = height, width  # Pillow has already done so for a TIFF
        return PageSize(width, height)

    def render(self, number: int) -> Rendered:
        check_number(number, len(self.sizes))
        self._load_page(number)
        warnings = self._orient()
        dpi, square = _dpi(self._image)
        animated = self._format is not Format.TIFF and getattr(self._image, "n_frames", 1) > 1
        warnings += () if square else ("pixels_not_square",)
        warnings += ("first_frame_only",) if animated and self._image.format != "MPO" else ()
        page = _on_white(_eight_bits(self._image))
        header = PageHeader(number, page.width, page.height, dpi, warnings)
        return Rendered(header, memoryview(page.tobytes("raw", "BGR")))

    def _load_page(self, number: int) -> None:
        size = self.sizes[number - 1]
        if size is None:
            raise refusal("corrupt_image")
        if not self._limits.page_allows(size.width, size.height):
            raise refusal("page_too_large")
        if self._format is Format.TIFF:
            self._image.seek(number - 1)  # it has been there once: `_measure`
        _load(self._image)

    def _orient(self) -> tuple[str, ...]:
        try:
            ImageOps.exif_transpose(self._image, in_place=True)
        except MemoryError:
            raise
        except Exception:
            return ("orientation_unreadable",)
        return ()

    def close(self) -> None:
        self._image.close()


def _open(document: bytes, form: Format, limits: DecodeLimits) -> Image.Image:
    """Pillow raises whatever a malformed header provokes (struct.error, KeyError, SyntaxError ...): all are damage."""
    # Pillow refuses above twice this, before some plugins allocate; a TIFF's pages are refused one by one instead.
    Image.MAX_IMAGE_PIXELS = None if form is Format.TIFF else limits.max_page_pixels
    try:
        if form is Format.PNG:
            Image.open(io.BytesIO(document), formats=(form.name,)).verify()  # checksums, which decoding skips
        return Image.open(io.BytesIO(document), formats=(form.name,))
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise refusal("page_too_large") from error
    except Exception as error:
        raise refusal("corrupt_image") from error


def _load(image: Image.Image) -> None:
    try:
        image.load()
    except MemoryError:
        raise
    except Exception as error:
        raise refusal("corrupt_image") from error


def _orientation(image: Image.Image) -> int:
    try:
        value = Image.Image.getexif(image).get(0x0112, 1)  # PNG's own getexif decodes the pixels first
    except MemoryError:
        raise
    except Exception:
        return 1
    return value if isinstance(value, int) else 1


def _dpi(image: Image.Image) -> tuple[float | None, bool]:
    """The resolution the file claims, None where it claims none or nonsense; and whether its pixels are square."""
    try:
        x, y = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None, True
    low, high = SANE_DPI
    if not (low <= x <= high and low <= y <= high):
        return None, True
    if max(x, y) / min(x, y) > SQUARE:
        return None, False
    return round(math.sqrt(x * y), 2), True


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits to 8. Raises Rejected for pixel types that are measurements rather than pictures."""
    if image.mode in ("F", "LAB", "La"):
        raise refusal("unsupported_format")
    if image.mode not in WIDE_GREY:
        return image
    wide = image if image.mode == "I" else image.convert("I")
    low, high = wide.getextrema()
    if low < 0 or high > 0xFFFF:  # type: ignore[operator]  # a pair of numbers for one band
        raise refusal("unsupported_format")
    grey = wide.point(lambda value: value * (1 / 257) + 0.5).convert("L")
    tags = getattr(image, "tag_v2", {})
    return ImageOps.invert(grey) if tags.get(PHOTOMETRIC) == 0 else grey


def _on_white(image: Image.Image) -> Image.Image:
    """RGB, as if printed on paper."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    paper = Image.new("RGBA", layer.size, "white")
    paper.alpha_composite(layer)
    return paper.convert("RGB")
