"""Which documents does this record name?

Accepted: our own DocumentSubmitted, and MinIO, AWS S3 and Ceph notifications; each as plain JSON or as a CloudEvent,
binary (ce_ headers, the value is the data) or structured (the value is an envelope). Nothing is fetched, nothing is
guessed, and no bytes make it raise anything but UnknownSchemaVersion.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from schemas import notifications
from schemas.entries import (
    Entry,
    Inbound,
    NoDocument,
    NoDocumentReason,
    RefusalCode,
    Refused,
    Submitted,
    submitted,
)
from schemas.problems import UnknownSchemaVersion
from schemas.record import Headers

__all__ = [
    "MAX_BYTES",
    "Entry",
    "Inbound",
    "NoDocument",
    "NoDocumentReason",
    "RefusalCode",
    "Refused",
    "Submitted",
    "UnknownSchemaVersion",
    "read_event",
]

MAX_BYTES = 4 << 20
"""Largest value that is parsed: four times Kafka's default limit on a record, so that memory for parsing is bounded
where the broker allows more. Depth needs no limit of ours: orjson stops at 1024 levels."""

_ENVELOPE = "application/cloudevents"


def read_event(value: bytes | None, headers: Headers) -> Inbound:
    """Every document that the record names, and every entry that names none or is bad.

    A record that can't be understood as a whole is one Refused of index 0.
    Raises UnknownSchemaVersion for an event of ours of another major version: nobody's document's fault.
    """
    if value is None:
        return _refused("tombstone", "Send a value: a record without one names no document.")
    body = _parsed(value)
    if isinstance(body, Refused):
        return Inbound((body,))
    media_type = _media_type(headers)
    if media_type.startswith(_ENVELOPE) or _looks_like_envelope(body):
        if media_type.startswith(_ENVELOPE) and media_type != f"{_ENVELOPE}+json":
            return _refused("unknown_schema", "Send structured CloudEvents as application/cloudevents+json.")
        body = _unwrapped(body)
        if isinstance(body, Refused):
            return Inbound((body,))
    return Inbound(_entries(body))


def _entries(body: dict[str, Any]) -> tuple[Entry, ...]:
    if "schema_version" in body:
        return (submitted(0, body),)
    if notifications.is_notification(body):
        return notifications.entries(body)
    return (Refused(0, "unknown_schema", "Send a DocumentSubmitted with schema_version, or a bucket notification."),)


def _parsed(value: bytes) -> dict[str, Any] | Refused:
    if len(value) > MAX_BYTES:
        return Refused(0, "invalid_event", f"Send at most {MAX_BYTES} bytes in one event.")
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError:
        return Refused(0, "not_json", "Send the event as JSON in UTF-8.")
    if not isinstance(body, dict):
        return Refused(0, "unknown_schema", "Send the event as a JSON object.")
    return body


def _looks_like_envelope(body: dict[str, Any]) -> bool:
    """Senders forget the content type; an event of ours says schema_version."""
    return "schema_version" not in body and "specversion" in body and ("data" in body or "data_base64" in body)


def _unwrapped(envelope: dict[str, Any]) -> dict[str, Any] | Refused:
    """The data of a structured CloudEvent; one layer, never more."""
    if envelope.get("specversion") != "1.0":
        return Refused(0, "unknown_schema", "Send CloudEvents of specversion 1.0.")
    if isinstance(envelope.get("data"), dict):
        data: dict[str, Any] = envelope["data"]
        return data
    encoded = envelope.get("data_base64")
    if not isinstance(encoded, str):
        return Refused(0, "invalid_event", "Send the CloudEvent's data as a JSON object, or as data_base64.")
    try:
        return _parsed(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        return Refused(0, "invalid_event", "Send data_base64 in standard base64.")


def _media_type(headers: Headers) -> str:
    """The record's content type, lower case, without parameters; "" if there is none. The last header counts."""
    types = [value for name, value in headers if name.lower() == "content-type"]
    return types[-1].decode("ascii", "replace").partition(";")[0].strip().lower() if types else ""


def _refused(code: RefusalCode, message: str) -> Inbound:
    return Inbound((Refused(0, code, message),))
