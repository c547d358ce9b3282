"""The `UserUnit` of a PDF's pages, which PDFium does not apply: points a unit of a page's space. Child process only."""

from __future__ import annotations

import io
import math
import re
import zlib

from pipeline.decode.limits import MIB

_LARGEST = 14_400.0
"""No viewer shows a page whose unit is larger: PDF's own limit on a page's side, in units."""

_NAME = b"UserUnit"
_OBJECT_STREAM = re.compile(rb"/ObjStm\b[^>]{0,400}>>\s*stream\r?\n")
"""Objects compressed together, since PDF 1.5; a page's dictionary may be among them."""

_MOST_INFLATED_BYTES = 64 * MIB
"""Of all object streams that are searched together."""


def user_units(document: bytes, page_count: int, *, password: str | None) -> list[float]:
    """One a page, 1 where the file names none. Only files that name one somewhere are parsed a second time."""
    units = [1.0] * page_count
    if not _is_named(document):
        return units
    from pypdf import PdfReader

    try:
        pages = PdfReader(io.BytesIO(document), strict=False, password=password).pages
        for number in range(min(page_count, len(pages))):
            units[number] = _sane(pages[number].user_unit)
    except MemoryError:
        raise
    except Exception:  # pypdf raises whatever a malformed file provokes; PDFium has opened it, so its pages can be read
        return units
    return units


def _is_named(document: bytes) -> bool:
    if _NAME in document:
        return True
    left, data = _MOST_INFLATED_BYTES, memoryview(document)
    for found in _OBJECT_STREAM.finditer(document):
        try:
            objects = zlib.decompressobj().decompress(data[found.end() :], left)
        except zlib.error:
            continue  # encrypted, or packed in another way
        left -= len(objects)
        if _NAME in objects:
            return True
        if left <= 0:
            return False
    return False


def _sane(unit: float) -> float:
    return float(unit) if math.isfinite(unit) and 0 < unit <= _LARGEST else 1.0
