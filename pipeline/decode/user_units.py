"""The `UserUnit` of a PDF's pages, which PDFium does not apply: points a unit of a page's space. Child process only."""

from __future__ import annotations

import io
import math

_LARGEST = 14_400.0
"""No viewer shows a page whose unit is larger: PDF's own limit on a page's side, in units."""


def user_units(document: bytes, page_count: int) -> list[float]:
    """One a page, 1 where the file names none. Only files that may name one are parsed a second time."""
    units = [1.0] * page_count
    if b"UserUnit" not in document:
        return units
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        pages = PdfReader(io.BytesIO(document), strict=False).pages
        for number in range(min(page_count, len(pages))):
            units[number] = _sane(pages[number].user_unit)
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return units
    return units


def _sane(unit: float) -> float:
    return float(unit) if math.isfinite(unit) and 0 < unit <= _LARGEST else 1.0
