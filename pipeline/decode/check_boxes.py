"""Check boxes and radio buttons of a PDF's form, and whether they are ticked. Child process only."""

from __future__ import annotations

import ctypes
from typing import Any

import pypdfium2.raw as pdfium_c  # type: ignore[import-untyped]

from pipeline.decode.protocol import MOST_CHECK_BOXES, CheckBox

_BUTTONS = (pdfium_c.FPDF_FORMFIELD_CHECKBOX, pdfium_c.FPDF_FORMFIELD_RADIOBUTTON)
_NOT_SHOWN = pdfium_c.FPDF_ANNOT_FLAG_HIDDEN | pdfium_c.FPDF_ANNOT_FLAG_NOVIEW


def boxes_of(page: Any, form: Any, *, scale: float) -> tuple[CheckBox, ...]:
    """The buttons that a viewer shows on a page, in the order of the file; `scale`: pixels a unit of its space."""
    count = min(pdfium_c.FPDFPage_GetAnnotCount(page), MOST_CHECK_BOXES)
    found = (_box(page, form, number, scale) for number in range(count))
    return tuple(box for box in found if box is not None)


def _box(page: Any, form: Any, number: int, scale: float) -> CheckBox | None:
    annotation = pdfium_c.FPDFPage_GetAnnot(page, number)
    if not annotation:
        return None
    try:
        if pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation) not in _BUTTONS:
            return None
        if pdfium_c.FPDFAnnot_GetFlags(annotation) & _NOT_SHOWN:
            return None
        rectangle = pdfium_c.FS_RECTF()
        if not pdfium_c.FPDFAnnot_GetRect(annotation, rectangle):
            return None
        ends = (
            _on_page(page, rectangle.left, rectangle.top, scale),
            _on_page(page, rectangle.right, rectangle.bottom, scale),
        )
        (x0, x1), (y0, y1) = (sorted(axis) for axis in zip(*ends, strict=True))
        return CheckBox((x0, y0, x1, y1), bool(pdfium_c.FPDFAnnot_IsChecked(form, annotation)))
    finally:
        pdfium_c.FPDFPage_CloseAnnot(annotation)


def _on_page(page: Any, x: float, y: float, scale: float) -> tuple[float, float]:
    """A point of the page's space in pixels of the page as it is shown: after its rotation and crop box."""
    width, height = (round(side * scale) for side in page.get_size())
    left, top = ctypes.c_int(), ctypes.c_int()
    pdfium_c.FPDF_PageToDevice(page, 0, 0, width, height, 0, x, y, left, top)
    return float(left.value), float(top.value)
