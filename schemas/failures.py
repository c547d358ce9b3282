"""What the headers of retry and dead-letter records say, and how a record gets back to what it was.

Key, value and the original's own headers stay byte for byte; ours are appended, and only ours are taken off again.
`Origin` always names the first record, never one of a retry topic. Trace headers are none of this file's business.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from schemas.problems import Malformed
from schemas.record import Headers

RETRY = {
    "retry.attempt": "Attempts made so far, a count from 1.",
    "retry.not-before-ms": "Not to be tried before this time, milliseconds since 1970 UTC.",
    "retry.topic": "Topic of the first record.",
    "retry.partition": "Partition of the first record.",
    "retry.offset": "Offset of the first record.",
    "retry.index": "Which document of the record this retry is about, from 0; only that one is tried again.",
    "retry.timestamp-ms": "Time of the first record, milliseconds since 1970 UTC; absent if it had none.",
    "retry.error.code": "Why the last attempt failed.",
}
DEAD_LETTER = {
    "dlq.error.code": "Why, as a stable word.",
    "dlq.error.stage": "The step that failed.",
    "dlq.error.message": "One sentence saying what to do; never text of the document or its key.",
    "dlq.attempts": "Attempts made, a count from 0.",
    "dlq.topic": "Topic of the first record.",
    "dlq.partition": "Partition of the first record.",
    "dlq.offset": "Offset of the first record.",
    "dlq.index": "Which document of the record this dead letter is about, from 0.",
    "dlq.document-id": "The document_id; absent if it was never known.",
}

MESSAGE_BYTES = 1024
"""Ours fit in 64 KiB with room to spare: the margin that retry and dead-letter topics have over the input's."""

_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Origin:
    """The first record that named a document, and which of its documents. `timestamp_ms`: since 1970 UTC."""

    topic: str
    partition: int
    offset: int
    index: int = 0
    timestamp_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RetryState:
    """What a retry record says about itself. `attempt`: attempts made so far."""

    origin: Origin
    attempt: int
    not_before_ms: int
    code: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What a dead letter says about itself. Its origin has no time."""

    origin: Origin
    code: str
    stage: str
    message: str
    attempts: int
    document_id: str | None


def original_headers(headers: Headers, ours: Iterable[str]) -> Headers:
    """What the first record carried, from a record of a topic of ours whose own names are `ours` (RETRY, DEAD_LETTER).

    Ours were appended, so only the last header of each name goes: a stranger's of the same name stays.
    """
    kept = list(headers)
    for name in ours:
        last = max((place for place, header in enumerate(kept) if header[0] == name), default=None)
        if last is not None:
            del kept[last]
    return tuple(kept)


def retry_headers(original: Headers, origin: Origin, *, attempt: int, not_before_ms: int, code: str) -> Headers:
    """Headers of a retry record. `original` are those of the first record, see `original_headers`."""
    stamped: dict[str, str | int | None] = {
        "retry.attempt": attempt,
        "retry.not-before-ms": not_before_ms,
        "retry.topic": origin.topic,
        "retry.partition": origin.partition,
        "retry.offset": origin.offset,
        "retry.index": origin.index,
        "retry.timestamp-ms": origin.timestamp_ms,
        "retry.error.code": code,
    }
    return original + _encoded(stamped)


def dead_letter_headers(
    original: Headers,
    origin: Origin,
    *,
    code: str,
    stage: str,
    message: str,
    attempts: int,
    document_id: str | None = None,
) -> Headers:
    """Headers of a dead letter. A long message is cut to MESSAGE_BYTES."""
    stamped: dict[str, str | int | None] = {
        "dlq.error.code": code,
        "dlq.error.stage": stage,
        "dlq.error.message": message.encode()[:MESSAGE_BYTES].decode(errors="ignore"),
        "dlq.attempts": attempts,
        "dlq.topic": origin.topic,
        "dlq.partition": origin.partition,
        "dlq.offset": origin.offset,
        "dlq.index": origin.index,
        "dlq.document-id": document_id,
    }
    return original + _encoded(stamped)


def read_retry(headers: Headers) -> RetryState | None:
    """What a record of a retry topic says; None if it says nothing. Raises Malformed.

    Only for records of our own retry topics: elsewhere these headers are a stranger's.
    """
    found = _ours(headers, RETRY.keys())
    if not found:
        return None
    return RetryState(
        origin=_origin(found, "retry"),
        attempt=_number(found, "retry.attempt"),
        not_before_ms=_number(found, "retry.not-before-ms"),
        code=_text(found, "retry.error.code"),
    )


def read_dead_letter(headers: Headers) -> DeadLetter | None:
    """What a record of the dead-letter topic says; None if it says nothing. Raises Malformed."""
    found = _ours(headers, DEAD_LETTER.keys())
    if not found:
        return None
    return DeadLetter(
        origin=_origin(found, "dlq"),
        code=_text(found, "dlq.error.code"),
        stage=_text(found, "dlq.error.stage"),
        message=_text(found, "dlq.error.message"),
        attempts=_number(found, "dlq.attempts"),
        document_id=_text(found, "dlq.document-id") if "dlq.document-id" in found else None,
    )


def _origin(found: dict[str, bytes], prefix: str) -> Origin:
    time = f"{prefix}.timestamp-ms"
    return Origin(
        topic=_text(found, f"{prefix}.topic"),
        partition=_number(found, f"{prefix}.partition"),
        offset=_number(found, f"{prefix}.offset"),
        index=_number(found, f"{prefix}.index"),
        timestamp_ms=_number(found, time) if time in found else None,
    )


def _encoded(stamped: dict[str, str | int | None]) -> Headers:
    return tuple((name, str(value).encode()) for name, value in stamped.items() if value is not None)


def _ours(headers: Headers, names: Container[str]) -> dict[str, bytes]:
    """The last value of each of our names."""
    return {name: value for name, value in headers if name in names}


def _text(found: dict[str, bytes], name: str) -> str:
    try:
        return found[name].decode()
    except (KeyError, UnicodeDecodeError) as error:
        raise Malformed(f"The record's {name} header is missing or not UTF-8.") from error


def _number(found: dict[str, bytes], name: str) -> int:
    value = found.get(name, b"")
    if not value.isdigit() or len(value) > _DIGITS:
        raise Malformed(f"The record's {name} header is missing or not a whole number.")
    return int(value)
