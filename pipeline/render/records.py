"""Kafka records as JSON lines, for people and for `jq`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from schemas.record import Record


def json_lines(records: Iterable[Record]) -> bytes:
    return b"".join(orjson.dumps(_shown(record), option=orjson.OPT_APPEND_NEWLINE) for record in records)


def _shown(record: Record) -> dict[str, Any]:
    """A value that is no JSON is shown as text. Of headers with one name the last counts."""
    return {
        "topic": record.partition.topic,
        "partition": record.partition.number,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key": _text(record.key),
        "headers": {name: _text(value) for name, value in record.headers},
        "value": _value(record.value),
    }


def _value(value: bytes | None) -> Any:
    try:
        return orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        return _text(value)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")
