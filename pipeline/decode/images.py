"""Pages of an image file as a viewer shows them: orientation applied, on white, 8 bits, BGR. Child process only.

Colour profiles are ignored. A file cut short is refused, never half read (`ImageFile.LOAD_TRUNCATED_IMAGES` is off).
"""

from __future__ import annotations

import io
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
from pipeline.decode.heif import let_pillow_read_heif
from pipeline.decode.levels import eight_bits, on_paper
from pipeline.decode.limits import DecodeLimits
from pipeline.decode.old_jpeg import is_old_jpeg, whole_jpeg
from pipeline.decode.protocol import PageHeader, PageSize
from pipeline.decode.reduced import ask_reduced
from pipeline.decode.refusals import refusal
from pipeline.decode.rendered import Rendered, check_document, check_number
from pipeline.decode.resolution import Resolution, resolution_of, squared

AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # children run beside each other: each keeps to one processor
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
CHECKED_LATER: Final = (Format.TIFF, Format.JPEG, Format.JPEG2000)
"""Pillow refuses pictures of more than twice the pixels allowed, before some plugins allocate. But a TIFF's pages are
refused one by one, and pictures that can be decoded reduced once it is known how far."""


class ImagePages:
    """An open image: one page, or one a directory of a TIFF. Animations give their first frame."""

    def __init__(self, document: bytes, *, form: Format, limits: DecodeLimits) -> None:
        self._limits = limits
        self._format = form
        self._document = document
        self._image = _open(document, form, limits)
        self._size, self._share = ask_reduced(self._image, document, form, limits)
        self._turned_late = form is Format.PNG and "exif" not in self._image.info and b"eXIf" in document
        self.sizes = self._measure()
        check_document(self.sizes, limits)

    def _measure(self) -> tuple[PageSize | None, ...]:
        if self._format is not Format.TIFF:
            return (self._page_size(*self._size),)
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
        sizes.append(self._page_size(*self._image.size))
        return True

    def _page_size(self, width: int, height: int) -> PageSize | None:
        """Size as shown, without decoding; but for a PNG that names its orientation behind its pixels."""
        if width < 1 or height < 1:
            return None
        if self._turned_late and self._limits.page_allows(width, height):
            _load(self._image)
        turned, resolution = self._as_shown()
        if turned and self._format is not Format.TIFF:  # Pillow has already turned a TIFF's size
            width, height = height, width
        return PageSize(*(resolution.square_size(width, height) if resolution else (width, height)))

    def _as_shown(self) -> tuple[bool, Resolution | None]:
        """Whether the page is shown a quarter turn from how it is stored, and its resolution as shown."""
        turned = _orientation(self._image) in (5, 6, 7, 8)
        return turned, resolution_of(self._image, turned=turned)

    def render(self, number: int) -> Rendered:
        check_number(number, len(self.sizes))
        page, resolution = self._loaded(number)
        warnings = _turn_upright(page)
        animated = self._format is not Format.TIFF and getattr(page, "n_frames", 1) > 1
        warnings += ("first_frame_only",) if animated and page.format != "MPO" else ()
        warnings += ("resolution_reduced",) if self._share < 1 else ()
        warnings += ("pixels_not_square",) if resolution and not resolution.is_square else ()
        shown = on_paper(eight_bits(page))
        shown = squared(shown, resolution) if resolution else shown
        dpi = round(resolution.dpi * self._share, 2) if resolution else None
        header = PageHeader(number, shown.width, shown.height, dpi, warnings)
        return Rendered(header, memoryview(shown.tobytes("raw", "BGR")))

    def _loaded(self, number: int) -> tuple[Image.Image, Resolution | None]:
        """A page with its pixels, as they are stored, and its resolution as shown."""
        size = self.sizes[number - 1]
        if size is None:
            raise refusal("corrupt_image")
        if not self._limits.page_allows(size.width, size.height):
            raise refusal("page_too_large")
        if self._format is Format.TIFF:
            self._image.seek(number - 1)  # it has been there once: `_measure`
        _, resolution = self._as_shown()
        if not is_old_jpeg(self._image):
            _load(self._image)
            return self._image, resolution
        page = whole_jpeg(self._image, self._document) or self._image
        _load(page, code="corrupt_image" if page is not self._image else "unsupported_format")
        return page, resolution

    def close(self) -> None:
        self._image.close()


def _open(document: bytes, form: Format, limits: DecodeLimits) -> Image.Image:
    """Pillow raises whatever a malformed header provokes (struct.error, KeyError, SyntaxError ...): all are damage."""
    Image.MAX_IMAGE_PIXELS = None if form in CHECKED_LATER else limits.max_page_pixels
    if form is Format.HEIF:
        let_pillow_read_heif()
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


def _load(image: Image.Image, *, code: str = "corrupt_image") -> None:
    try:
        image.load()
    except MemoryError:
        raise
    except Exception as error:
        raise refusal(code) from error


def _turn_upright(image: Image.Image) -> tuple[str, ...]:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:
        return ("orientation_unreadable",)
    return ()


def _orientation(image: Image.Image) -> int:
    try:
        value = Image.Image.getexif(image).get(0x0112, 1)  # PNG's own getexif decodes the pixels first
    except MemoryError:
        raise
    except Exception:
        return 1
    return value if isinstance(value, int) else 1
