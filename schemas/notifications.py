"""Which documents a bucket notification of MinIO, AWS S3 or Ceph RGW names.

Every Record stands alone: a bad one is refused under its own index and never spoils its neighbours.
Versions of the format (`eventVersion`) are not looked at: they only ever add fields.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_plus

from schemas.entries import Entry, NoDocument, NoDocumentReason, Refused, submitted
from schemas.fields import SCHEMA_VERSION

MAX_DOCUMENTS = 1000
"""Records in one notification. Stores send one, rarely a few; more would make one offset wait for all of them."""

_CREATED = ("ObjectCreated:", "ObjectSynced:Create")
_REMOVED = (
    "ObjectRemoved:",
    "LifecycleExpiration:",
    "ObjectLifecycle:Expiration:",
    "ObjectSynced:Delet",
)
_SIZE_DIGITS = 19


def is_notification(body: dict[str, Any]) -> bool:
    """Whether `body` is a notification, a single Record of one (as CloudEvents adapters send it), or a test event."""
    return "Records" in body or body.get("Event") == "s3:TestEvent" or ("s3" in body and "eventName" in body)


def entries(body: dict[str, Any]) -> tuple[Entry, ...]:
    """One entry for each Record, in order. Never empty; raises nothing."""
    if "Records" not in body:
        return (NoDocument(0, "test_event"),) if "Event" in body else (_entry(0, body),)
    records = body["Records"]
    if not isinstance(records, list):
        return (Refused(0, "invalid_event", "Send Records as a list: one entry for each object."),)
    if len(records) > MAX_DOCUMENTS:
        message = f"Send at most {MAX_DOCUMENTS} Records in one notification."
        return (Refused(0, "too_many_documents", message),)
    return tuple(_entry(index, record) for index, record in enumerate(records)) or (
        NoDocument(0, "empty_notification"),
    )


def _entry(index: int, record: Any) -> Entry:
    name = record.get("eventName") if isinstance(record, dict) else None
    if not isinstance(name, str):
        return Refused(index, "invalid_event", "Send each Record as an object with an eventName.")
    reason = _without_document(name.removeprefix("s3:"))
    if reason is not None:
        return NoDocument(index, reason)
    bucket, found = _part(record, "bucket"), _part(record, "object")
    try:
        key = _key(found.get("key"), source=record.get("eventSource"))
    except UnicodeDecodeError:
        return Refused(index, "invalid_event", "Send s3.object.key percent-encoded in UTF-8.")
    size = _size(found.get("size"))
    if isinstance(key, str) and key.endswith("/") and not size:
        return NoDocument(index, "folder_marker")
    fields = {
        "schema_version": SCHEMA_VERSION,
        "bucket": bucket.get("name"),
        "key": key,
        "version_id": found.get("versionId"),
        "etag": found.get("eTag"),
        "content_type": found.get("contentType") or None,
        "size": size,
    }
    return submitted(index, fields)


def _without_document(event_name: str) -> NoDocumentReason | None:
    if event_name.startswith(_CREATED):
        return None
    if event_name.startswith(_REMOVED):
        return "removal"
    return "test_event" if event_name == "TestEvent" else "other_event"


def _part(record: dict[str, Any], name: str) -> dict[str, Any]:
    s3 = record.get("s3")
    part = s3.get(name) if isinstance(s3, dict) else None
    return part if isinstance(part, dict) else {}


def _key(quoted: Any, *, source: Any) -> Any:
    """The key as the store knows it. MinIO and AWS send it form-encoded (space as +); Ceph RGW sends it as it is."""
    if not isinstance(quoted, str) or (isinstance(source, str) and source.startswith("ceph:")):
        return quoted
    return unquote_plus(quoted, errors="strict")


def _size(given: Any) -> Any:
    """Bytes; None where unknown. Ceph documents a string; MinIO leaves a size of 0 out. The rest is left to refuse."""
    if given == "":
        return None
    digits = isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= _SIZE_DIGITS
    return int(given) if digits else given
