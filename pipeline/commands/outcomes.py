"""Terminal records as a person, or a program behind a pipe, wants to see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from connectors.headers import read_trace
from pipeline.topics import Topics
from schemas.codec import decode
from schemas.failures import DeadLetter, read_dead_letter
from schemas.fields import rfc3339
from schemas.inbound import Submitted, read_event
from schemas.problems import Malformed, UnknownSchemaVersion
from schemas.record import Record
from schemas.results import DocumentCompleted


@dataclass(frozen=True, slots=True)
class Ended:
    """One terminal record. `code` and `message` are empty unless the document is dead.

    `event`: topic/partition/offset/index of the first record that named the document, as the worker's log has it.
    """

    status: str
    bucket: str
    key: str
    document_id: str
    reference: str
    pages: int | None
    code: str
    message: str
    result: str
    trace: str
    event: str
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


def rows(one: Ended) -> dict[str, str]:
    """What there is to say, by the names people read."""
    said = {
        "outcome": one.status,
        "when": _when(one),
        "document id": one.document_id,
        "pages": "" if one.pages is None else str(one.pages),
        "code": one.code,
        "what to do": one.message,
        "result": one.result,
        "trace": one.trace,
        "event": one.event,
    }
    return {name: value for name, value in said.items() if value}


def json_line(one: Ended) -> str:
    """One JSON object; what is not known is null."""
    names = ("status", "bucket", "key", "document_id", "reference", "pages", "code", "message", "result", "trace")
    said = {name: getattr(one, name) for name in (*names, "event")} | {"time": _when(one)}
    return orjson.dumps({name: None if value == "" else value for name, value in said.items()}).decode()


def _when(one: Ended) -> str:
    if one.timestamp_ms is None:
        return ""
    return rfc3339(datetime.fromtimestamp(one.timestamp_ms / 1000, UTC))


def _completed(record: Record) -> Ended:
    completed = decode(DocumentCompleted, record.value or b"")
    event = completed.event
    return Ended(
        status=completed.status,
        bucket=completed.source.bucket,
        key=completed.source.key,
        document_id=completed.document_id,
        reference=completed.reference or "",
        pages=completed.page_count,
        code="",
        message="",
        result=f"{completed.result.bucket}/{completed.result.key}",
        trace=completed.trace_id or "",
        event=f"{event.topic}/{event.partition}/{event.offset}/{event.index}",
        timestamp_ms=record.timestamp_ms,
    )


def _dead(record: Record, letter: DeadLetter) -> Ended:
    origin = letter.origin
    named = [
        entry.event
        for entry in read_event(record.value, record.headers).documents
        if isinstance(entry, Submitted) and entry.index == origin.index
    ]
    trace = read_trace(record.headers)
    return Ended(
        status="dead",
        bucket=named[0].bucket if named else "",
        key=named[0].key if named else "",
        document_id=letter.document_id or "",
        reference=(named[0].reference or "") if named else "",
        pages=None,
        code=letter.code,
        message=letter.message,
        result="",
        trace=trace.trace_id if trace is not None else "",
        event=f"{origin.topic}/{origin.partition}/{origin.offset}/{origin.index}",
        timestamp_ms=record.timestamp_ms,
    )
