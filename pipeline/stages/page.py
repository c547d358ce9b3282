"""What was read on a page to its record: in reading order, and in the frame a viewer shows the page in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pipeline.core.events import PageRead
from pipeline.ocr.orientation import to_page
from pipeline.ocr.reading_order import reading_order
from pipeline.stages.parts import Found, Line, Sheet
from schemas.fields import Points, relative_box
from schemas.pages import PageResult, TextLine


@dataclass(frozen=True, slots=True)
class _Frame:
    """From the upright page to the page as a viewer shows it."""

    sheet: Sheet
    found: Found

    def points(self, polygon: NDArray[np.float32]) -> Points:
        sheet = self.sheet
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = to_page(
            polygon, self.found.rotation, width=sheet.width, height=sheet.height
        ).tolist()
        return (ax, ay), (bx, by), (cx, cy), (dx, dy)


def compose_page(read: PageRead, *, document_id: str, result_id: str) -> PageResult:
    """Lines without text are none."""
    sheet, found = cast(Sheet, read.sheet), cast(Found, read.found)
    frame = _Frame(sheet, found)
    lines = _in_order([line for line in cast(tuple[Line, ...], read.answers) if line.text.strip()])
    return PageResult(
        document_id=document_id,
        result_id=result_id,
        number=sheet.number,
        status="ok" if lines else "empty",
        width=sheet.width,
        height=sheet.height,
        dpi=sheet.dpi,
        rotation=found.rotation,
        text="\n".join(line.text for line in lines),
        lines=tuple(_text_line(f"l{place}", line, frame) for place, line in enumerate(lines, 1)),
        warnings=sheet.warnings,
    )


def _in_order(lines: list[Line]) -> list[Line]:
    if not lines:
        return []
    return [lines[place] for place in reading_order(np.stack([line.polygon for line in lines]))]


def _text_line(name: str, line: Line, frame: _Frame) -> TextLine:
    polygon = frame.points(line.polygon)
    return TextLine(
        id=name,
        text=line.text,
        confidence=min(max(float(line.confidence), 0.0), 1.0),
        polygon=polygon,
        bbox=relative_box(polygon, width=frame.sheet.width, height=frame.sheet.height),
    )
