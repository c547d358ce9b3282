"""Terminal records as a person wants to see them."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.headers import read_trace
from pipeline.topics import Topics
from schemas.codec import decode
from schemas.failures import DeadLetter, read_dead_letter
from schemas.inbound import Submitted, read_event
from schemas.problems import Malformed, UnknownSchemaVersion
from schemas.record import Record
from schemas.results import DocumentCompleted


@dataclass(frozen=True, slots=True)
class Ended:
    """One terminal record. `code` is empty unless the document is dead."""

    status: str
    bucket: str
    key: str
    document_id: str
    reference: str
    pages: str
    code: str
    message: str
    result: str
    trace: str
    timestamp_ms: int | None


def ended(record: Record, topics: Topics) -> Ended | None:
    """A record of the results or dead-letter topic; None for one that is not ours to read."""
    try:
        if record.partition.topic == topics.results:
            return _completed(record)
        if record.partition.topic == topics.dead_letter:
            letter = read_dead_letter(record.headers)
            return _dead(record, letter) if letter is not None else None
    except (Malformed, UnknownSchemaVersion):
        return None
    return None


def _completed(record: Record) -> Ended:
    completed = decode(DocumentCompleted, record.value or b"")
    return Ended(
        status=completed.status,
        bucket=completed.source.bucket,
        key=completed.source.key,
        document_id=completed.document_id,
        reference=completed.reference or "",
        pages=str(completed.page_count),
        code="",
        message="",
        result=f"{completed.result.bucket}/{completed.result.key}",
        trace=completed.trace_id or "",
        timestamp_ms=record.timestamp_ms,
    )


def _dead(record: Record, letter: DeadLetter) -> Ended:
    named = [
        entry.event
        for entry in read_event(record.value, record.headers).documents
        if isinstance(entry, Submitted) and entry.index == letter.origin.index
    ]
    trace = read_trace(record.headers)
    return Ended(
        status="dead",
        bucket=named[0].bucket if named else "",
        key=named[0].key if named else "",
        document_id=letter.document_id or "",
        reference=(named[0].reference or "") if named else "",
        pages="",
        code=letter.code,
        message=letter.message,
        result="",
        trace=trace.trace_id if trace is not None else "",
        timestamp_ms=record.timestamp_ms,
    )
