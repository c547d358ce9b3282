"""CloudEvents 1.0 headers, binary mode, for the records we publish.

(ce_source, ce_id) names one fact: publishing it again gives the same id, so a consumer can drop the copy.
"""

from __future__ import annotations

from datetime import datetime

from schemas.fields import rfc3339
from schemas.record import Headers
from schemas.results import DocumentCompleted, PageResult

PAGE = "pagestream.page.v1"
COMPLETED = "pagestream.document.completed.v1"

MEANING = {
    "content-type": "Always application/json: the value is the data.",
    "ce_specversion": "Always 1.0.",
    "ce_id": "Names the fact: result and page number, or result and the record that asked for it.",
    "ce_source": "The service that published it, as configured.",
    "ce_type": f"{PAGE} or {COMPLETED}.",
    "ce_subject": "The document_id.",
    "ce_time": "When it was published, RFC 3339 UTC.",
}


def page_headers(page: PageResult, *, source: str, time: datetime) -> Headers:
    """Headers of one page's record. `time` is aware."""
    return _headers(f"{page.result_id}/{page.number}", PAGE, source=source, subject=page.document_id, time=time)


def completed_headers(completed: DocumentCompleted, *, source: str, time: datetime) -> Headers:
    """Headers of one completion. Two records that name the same document are two completions, so two ids."""
    event = completed.event
    ident = f"{completed.result_id}/{event.topic}/{event.partition}/{event.offset}/{event.index}"
    return _headers(ident, COMPLETED, source=source, subject=completed.document_id, time=time)


def _headers(ident: str, kind: str, *, source: str, subject: str, time: datetime) -> Headers:
    return (
        ("content-type", b"application/json"),
        ("ce_specversion", b"1.0"),
        ("ce_id", ident.encode()),
        ("ce_source", source.encode()),
        ("ce_type", kind.encode()),
        ("ce_subject", subject.encode()),
        ("ce_time", rfc3339(time).encode()),
    )
