"""Pages of an image file as a viewer shows them: orientation applied, on white, 8 bits, BGR. Child process only.

Colour profiles are ignored. A file cut short is refused, never half read (`ImageFile.LOAD_TRUNCATED_IMAGES` is off).
"""

from __future__ import annotations

import io
import math
from typing import Final

# Each plugin registers itself; without these, Pillow imports all forty of them for the first WebP or TIFF.
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from pipeline.decode.formats import Format
from pipeline.decode.limits import DecodeLimits
from pipeline.decode.old_jpeg import in_new_style
from pipeline.decode.protocol import PageHeader, PageSize
from pipeline.decode.refusals import refusal
from pipeline.decode.rendered import Rendered, check_document, check_number

AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # a confined child starts no threads
PLUGINS: Final = (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
SANE_DPI = (50.0, 2400.0)  # 72 and 96 are defaults that programs write unasked, yet harmless; 1 and 65535 are noise
SQUARE = 1.05  # ratio of the two resolutions from which a page looks squashed
LIGHT_LEVEL = 160  # grey levels from which print is hard to see on white
MOSTLY = 0.9  # share of what is visible that is as light
CLEAR = 0.5  # share of a picture that is transparent where print stands alone on it
BITS_PER_SAMPLE = 258  # TIFF tag
PHOTOMETRIC = 262  # TIFF tag; 0 says that white is zero
WIDE_GREY = ("I", "I;16", "I;16L", "I;16B", "I;16N")


class ImagePages:
    """An open image: one page, or one a directory of a TIFF. Animations give their first frame."""

    def __init__(self, document: bytes, *, form: Format, limits: DecodeLimits) -> None:
        self._limits = limits
        self._format = form
        self._document = document
        self._image = _open(document, form, limits)
        self._whole = self._image.size
        self._reduce()
        self._turned_late = form is Format.PNG and "exif" not in self._image.info and b"eXIf" in document
        self.sizes = self._measure()
        check_document(self.sizes, limits)

    def _reduce(self) -> None:
        """Ask for a JPEG of an eighth, a quarter or half of its sides where it is too large; other formats can't."""
        width, height = self._image.size
        if self._format is Format.JPEG and not self._limits.page_allows(width, height):
            share = self._limits.share_of(width, height)
            halved = 2 ** math.ceil(-math.log2(share))
            self._image.draft(None, (width // halved, height // halved))

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
        found = _resolution(self._image)
        if found is not None and not _is_square(*found):
            width, height = _square_size(width, height, *found)
        return PageSize(width, height)

    def render(self, number: int) -> Rendered:
        check_number(number, len(self.sizes))
        shrunk = self._load_page(number)
        warnings = self._orient()
        x, y = _resolution(self._image) or (None, None)
        animated = self._format is not Format.TIFF and getattr(self._image, "n_frames", 1) > 1
        warnings += ("first_frame_only",) if animated and self._image.format != "MPO" else ()
        warnings += ("resolution_reduced",) if shrunk < 1 else ()
        page = _on_paper(_eight_bits(self._image))
        dpi = None if x is None or y is None else round(math.sqrt(x * y) * shrunk, 2)
        if x is not None and y is not None and not _is_square(x, y):
            page, dpi = _squared(page, x, y), round(max(x, y) * shrunk, 2)
            warnings += ("pixels_not_square",)
        header = PageHeader(number, page.width, page.height, dpi, warnings)
        return Rendered(header, memoryview(page.tobytes("raw", "BGR")))

    def _load_page(self, number: int) -> float:
        """The share of its own sides that the page is loaded with: a JPEG that is too large is decoded reduced."""
        size = self.sizes[number - 1]
        if size is None:
            raise refusal("corrupt_image")
        if not self._limits.page_allows(size.width, size.height):
            raise refusal("page_too_large")
        if self._format is Format.TIFF:
            self._image.seek(number - 1)  # it has been there once: `_measure`
            self._image = in_new_style(self._image, self._document)
        whole = self._whole[0]
        _load(self._image)
        return self._image.width / whole

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
    # Pillow refuses above twice this, before some plugins allocate. A TIFF's pages are refused one by one instead, and
    # a JPEG once it is known how far it can be reduced.
    Image.MAX_IMAGE_PIXELS = None if form in (Format.TIFF, Format.JPEG) else limits.max_page_pixels
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


def _resolution(image: Image.Image) -> tuple[float, float] | None:
    """The resolution that the file claims across and down, in dpi; None where it claims none or nonsense."""
    try:
        x, y = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    low, high = SANE_DPI
    return (x, y) if low <= x <= high and low <= y <= high else None


def _is_square(x: float, y: float) -> bool:
    return max(x, y) / min(x, y) <= SQUARE


def _square_size(width: int, height: int, x: float, y: float) -> tuple[int, int]:
    """The size of a picture of `x` by `y` dpi with the finer of both resolutions either way."""
    finer = max(x, y)
    return round(width * finer / x), round(height * finer / y)


def _squared(page: Image.Image, x: float, y: float) -> Image.Image:
    return page.resize(_square_size(page.width, page.height, x, y), Image.Resampling.BICUBIC)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of more bits to 8. Raises Rejected for pixel types that are measurements rather than pictures."""
    if image.mode in ("F", "LAB", "La"):
        raise refusal("unsupported_format")
    if image.mode not in WIDE_GREY:
        return image
    wide = image if image.mode == "I" else image.convert("I")
    low, high = wide.getextrema()
    if low < 0 or high > 0xFFFF:  # type: ignore[operator]  # a pair of numbers for one band
        raise refusal("unsupported_format")
    tags = getattr(image, "tag_v2", {})
    bits = max(tags.get(BITS_PER_SAMPLE) or (16,))
    share = 255 / ((1 << bits) - 1 if 8 < bits < 16 and high < 1 << bits else 0xFFFF)  # type: ignore[operator]
    grey = wide.point(lambda value: value * share + 0.5).convert("L")
    return ImageOps.invert(grey) if tags.get(PHOTOMETRIC) == 0 else grey


def _on_paper(image: Image.Image) -> Image.Image:
    """RGB, as if printed on white paper; light print that stands alone on a transparent ground, on black."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    paper = Image.new("RGBA", layer.size, "black" if _is_light_print(layer) else "white")
    paper.alpha_composite(layer)
    return paper.convert("RGB")


def _is_light_print(layer: Image.Image) -> bool:
    """Whether most of a picture is transparent, and most of the rest as light as paper."""
    seen = layer.getchannel("A").point(lambda alpha: 255 * (alpha >= 128))
    visible = seen.histogram()[255]
    if visible == 0 or visible > (1 - CLEAR) * layer.width * layer.height:
        return False
    levels = layer.convert("L").histogram(mask=seen)
    return sum(levels[LIGHT_LEVEL:]) >= MOSTLY * visible
