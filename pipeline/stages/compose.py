"""Lines to a page, pages to a document result: pure, and the same bytes for the same input."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.events import PageFailed, PageOutcome, PageRead, PageSkipped
from pipeline.stages.page import compose_page
from schemas.events import Options
from schemas.pages import PageError, PageResult
from schemas.results import DocumentResult, PagesByStatus, Pipeline, Source


def compose_document(
    outcomes: Sequence[PageOutcome], *, document_id: str, result_id: str, source: Source, options: Options, by: Pipeline
) -> DocumentResult:
    """`options`: the effective ones."""
    correct = bool(options.correct)
    pages = tuple(_page(one, document_id=document_id, result_id=result_id, correct=correct) for one in outcomes)
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


def _page(outcome: PageOutcome, *, document_id: str, result_id: str, correct: bool) -> PageResult:
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
        case PageRead():
            return compose_page(outcome, document_id=document_id, result_id=result_id, correct=correct)
