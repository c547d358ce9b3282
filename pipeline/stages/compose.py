"""Lines to a page, pages to a document result: pure, and the same bytes for the same input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from pipeline.core.events import PageFailed, PageOutcome, PageRead, PageSkipped
from pipeline.ocr.reading_order import reading_order
from pipeline.stages.parts import Line, Sheet
from schemas.events import Options
from schemas.fields import relative_box
from schemas.pages import PageError, PageResult, TextLine
from schemas.results import DocumentResult, PagesByStatus, Pipeline, Source

TABLES_NOT_READ = "tables_not_read"
"""Warning of a page: tables were asked for, and this release does not read any."""


def compose_document(
    outcomes: Sequence[PageOutcome], *, document_id: str, result_id: str, source: Source, options: Options, by: Pipeline
) -> DocumentResult:
    extra = (TABLES_NOT_READ,) if options.tables else ()
    pages = tuple(
        compose_page(outcome, document_id=document_id, result_id=result_id, warnings=extra) for outcome in outcomes
    )
    return DocumentResult(
        document_id=document_id,
        result_id=result_id,
        status=PagesByStatus.of(pages).document_status,
        source=source,
        options=options,
        page_count=len(pages),
        pages=pages,
        pipeline=by,
    )


def compose_page(
    outcome: PageOutcome, *, document_id: str, result_id: str, warnings: tuple[str, ...] = ()
) -> PageResult:
    """`warnings` hold for every page that was read, besides its own."""
    match outcome:
        case PageSkipped(number):
            return PageResult(document_id=document_id, result_id=result_id, number=number, status="skipped")
        case PageFailed(number, error):
            return PageResult(
                document_id=document_id,
                result_id=result_id,
                number=number,
                status="failed",
                error=PageError(code=error.code, stage=error.stage, message=error.message),
            )
        case PageRead(_, sheet, lines):
            read = _read_page(cast(Sheet, sheet), cast(tuple[Line, ...], lines), document_id, result_id)
            return read.model_copy(update={"warnings": read.warnings + warnings}) if warnings else read


def _read_page(sheet: Sheet, lines: tuple[Line, ...], document_id: str, result_id: str) -> PageResult:
    found = [line for line in lines if line.text.strip()]
    ordered = [found[place] for place in _order(found)]
    return PageResult(
        document_id=document_id,
        result_id=result_id,
        number=sheet.number,
        status="ok" if ordered else "empty",
        width=sheet.width,
        height=sheet.height,
        dpi=sheet.dpi,
        text="\n".join(line.text for line in ordered),
        lines=tuple(_text_line(f"l{place}", line, sheet) for place, line in enumerate(ordered, 1)),
        warnings=sheet.warnings,
    )


def _order(lines: list[Line]) -> Sequence[int]:
    if not lines:
        return ()
    return [int(place) for place in reading_order(np.stack([line.polygon for line in lines]))]


def _text_line(name: str, line: Line, sheet: Sheet) -> TextLine:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = (tuple(map(float, point)) for point in line.polygon)
    polygon = ((ax, ay), (bx, by), (cx, cy), (dx, dy))
    return TextLine(
        id=name,
        text=line.text,
        confidence=min(max(float(line.confidence), 0.0), 1.0),
        polygon=polygon,
        bbox=relative_box(polygon, width=sheet.width, height=sheet.height),
    )
