"""Pages of a PDF as a viewer shows them: CropBox, /Rotate, annotations and form fields drawn. Child process only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium_c  # type: ignore[import-untyped]

from pipeline.decode.check_boxes import boxes_of
from pipeline.decode.limits import DecodeLimits
from pipeline.decode.protocol import PageHeader, PageSize
from pipeline.decode.refusals import refusal
from pipeline.decode.rendered import Rendered, check_document, check_number
from pipeline.decode.user_units import user_units

POINTS_PER_INCH = 72
LEAST_DPI = (
    10.0  # of a page that is too large at the resolution asked for; even a poster's print can't be read below it
)
REDUCED = 0.999  # share of the scale asked for, below which a page is told to be reduced
JUST_BELOW_ONE = 1 - 1e-9  # 792 pt at 300 dpi is 3300.0000000000005 px in binary, and pypdfium2 rounds up


class PdfPages:
    """An open PDF. Sizes come from the page boxes; nothing is drawn before `render`."""

    def __init__(self, document: bytes, *, dpi: int, password: str | None, limits: DecodeLimits) -> None:
        self._scale = dpi / POINTS_PER_INCH * JUST_BELOW_ONE
        self._dpi = float(dpi)
        self._limits = limits
        self._pdf = _open(document, password)
        self._units = user_units(document, len(self._pdf), password=password)
        try:
            self.sizes = self._measure()
        except Exception:
            self.close()
            raise

    def _measure(self) -> tuple[PageSize | None, ...]:
        count = len(self._pdf)
        if count > self._limits.max_pages:
            raise refusal("too_many_pages")
        sizes = tuple(self._page_size(index) for index in range(count))
        check_document(sizes, self._limits)
        return sizes

    def _page_size(self, index: int) -> PageSize | None:
        try:
            width, height = self._pdf.get_page_size(index)
        except pdfium.PdfiumError:
            return None
        scale = self._scale_of(index, width, height)
        return PageSize(math.ceil(width * scale), math.ceil(height * scale))

    def _scale_of(self, index: int, width: float, height: float) -> float:
        """Pixels a unit of a page's space, reduced where the page would be too large. Raises Rejected `corrupt_pdf` for
        a page box that is no box."""
        if not (math.isfinite(width) and math.isfinite(height) and width > 0 and height > 0):
            raise refusal("corrupt_pdf")
        scale = self._scale * self._units[index]
        pixels = math.ceil(width * scale), math.ceil(height * scale)
        if self._limits.page_allows(*pixels):
            return scale
        share = self._limits.share_of(*pixels)
        share *= 1 - 1 / max(2.0, share * min(pixels))  # room for both sides to be rounded up once more
        return scale * share if share * self._dpi >= LEAST_DPI else scale

    def render(self, number: int) -> Rendered:
        check_number(number, len(self.sizes))
        with self._page(number) as page:
            width, height = page.get_size()
            scale, asked = self._scale_of(number - 1, width, height), self._scale * self._units[number - 1]
            if not self._limits.page_allows(math.ceil(width * scale), math.ceil(height * scale)):
                raise refusal("page_too_large")
            bitmap = page.render(scale=scale, force_bitmap_format=pdfium_c.FPDFBitmap_BGR)
            reduced = scale < asked * REDUCED
            dpi = round(self._dpi * scale / asked, 2) if reduced else self._dpi
            header = PageHeader(
                number,
                bitmap.width,
                bitmap.height,
                dpi,
                ("resolution_reduced",) if reduced else (),
                boxes_of(page, self._pdf.formenv, scale=scale) if self._pdf.formenv else (),
            )
            return Rendered(header, _pixels_of(bitmap))

    @contextmanager
    def _page(self, number: int) -> Iterator[pdfium.PdfPage]:
        try:
            page = self._pdf[number - 1]
        except pdfium.PdfiumError as error:
            raise refusal("corrupt_pdf") from error
        try:
            yield page
        except pdfium.PdfiumError as error:
            raise refusal("corrupt_pdf") from error
        finally:
            page.close()

    def close(self) -> None:
        self._pdf.close()


def _open(document: bytes, password: str | None) -> pdfium.PdfDocument:
    try:
        pdf = pdfium.PdfDocument(document, password=password)
    except pdfium.PdfiumError as error:
        raise refusal(_code(error, password)) from error
    with suppress(pdfium.PdfiumError):  # a broken form; its page can still be read
        pdf.init_forms()  # before any page is loaded, or fields are not drawn
    return pdf


def _code(error: pdfium.PdfiumError, password: str | None) -> str:
    match error.err_code:
        case pdfium_c.FPDF_ERR_PASSWORD:
            return "wrong_password" if password else "encrypted_pdf"
        case pdfium_c.FPDF_ERR_SECURITY:
            return "unsupported_encryption"
    return "corrupt_pdf"


def _pixels_of(bitmap: pdfium.PdfBitmap) -> memoryview:
    row = bitmap.width * 3
    buffer = memoryview(bitmap.buffer).cast("B")
    if bitmap.stride == row:
        return buffer[: row * bitmap.height]
    rows = (buffer[y * bitmap.stride : y * bitmap.stride + row] for y in range(bitmap.height))
    return memoryview(b"".join(rows))
