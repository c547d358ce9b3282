"""Everything that a sender, an object or a bucket can get wrong, and the code that each ends with.

Each case ends as exactly one dead letter, whatever the broker and the store are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from tests.documents import PdfPageSpec, encrypted_pdf, make_pdf, quarters_pdf
from tests.worker import picture, submitted

MAX_OBJECT_BYTES = 262_144
"""What `store.max_object_bytes` is to be where these cases run."""

HUGE_PAGE = PdfPageSpec(media_box=(0, 0, 100_000, 100_000))


class Place(Protocol):
    """Where documents go. `put` returns the entity tag."""

    @property
    def bucket(self) -> str: ...

    def put(self, key: str, body: bytes) -> str: ...


@dataclass(frozen=True, slots=True)
class BadInput:
    """`value` makes the event's value, after putting what it needs into the store."""

    name: str
    code: str
    value: Callable[[Place], bytes | None]
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class _Object:
    """An object of these bytes, and an event that names it."""

    key: str
    body: bytes
    fields: dict[str, Any] = field(default_factory=dict)

    def __call__(self, place: Place) -> bytes:
        place.put(self.key, self.body)
        return submitted(self.key, bucket=place.bucket, **self.fields)


def _says(value: bytes | None) -> Callable[[Place], bytes | None]:
    return lambda _: value


def _names(key: str, **fields: Any) -> Callable[[Place], bytes | None]:
    return lambda place: submitted(key, bucket=place.bucket, **fields)


def _changed(place: Place) -> bytes:
    etag = place.put("bad/changed.png", picture("first"))
    place.put("bad/changed.png", picture("second"))
    return submitted("bad/changed.png", bucket=place.bucket, etag=etag)


def largest_event(size: int) -> bytes:
    """An event of just `size` bytes, refused for its bucket. Fields that nobody knows are tolerated."""
    head = orjson.dumps({"schema_version": "1.0", "bucket": "private", "key": "k", "x": ""})
    return head[:-2] + b"x" * (size - len(head)) + head[-2:]


EVENTS = [
    BadInput("not_json", "not_json", _says(b"\xff\x00 not json")),
    BadInput("empty_value", "not_json", _says(b"")),
    BadInput("tombstone", "tombstone", _says(None)),
    BadInput("json_but_no_object", "unknown_schema", _says(b"[1, 2]")),
    BadInput("no_known_schema", "unknown_schema", _says(b'{"hello": "world"}')),
    BadInput(
        "avro_cloud_event", "unknown_schema", _says(b"{}"), headers=(("content-type", b"application/cloudevents+avro"),)
    ),
    BadInput("too_deep", "not_json", _says(b'{"schema_version":' + b"[" * 100_000)),
    BadInput("field_missing", "invalid_event", _says(orjson.dumps({"schema_version": "1.0", "key": "k"}))),
    BadInput("option_unknown", "invalid_options", _names("k", options={"language": "de"})),
    BadInput("option_out_of_range", "invalid_options", _names("k", options={"dpi": 10_000})),
    BadInput("pages_out_of_order", "invalid_options", _names("k", options={"pages": "9-3"})),
    BadInput("bucket_not_allowed", "bucket_not_allowed", _says(submitted("k", bucket="private"))),
    BadInput("key_climbs", "key_not_allowed", _names("in/../../private/k")),
    BadInput("key_with_nul", "key_not_allowed", _names("a\0b")),
    BadInput("key_of_2000_characters", "key_not_allowed", _names("k" * 2_000)),
    BadInput("key_quoted_in_notification", "key_not_allowed", _says(
        b'{"Records":[{"eventName":"s3:ObjectCreated:Put",'
        b'"s3":{"bucket":{"name":"documents"},"object":{"key":"in%2F..%2Fk"}}}]}')),
]  # fmt: skip
"""Refused before anything is fetched."""

OBJECTS = [
    BadInput("object_missing", "object_missing", _names("bad/nobody.png")),
    BadInput("object_changed", "object_changed", _changed),
    BadInput("object_too_large", "object_too_large", _Object("bad/large.png", b"\x89PNG" + bytes(MAX_OBJECT_BYTES))),
    BadInput("empty_file", "empty_file", _Object("bad/empty.png", b"")),
    BadInput("text_named_png", "unsupported_format", _Object("bad/text.png", b"Dear Sir or Madam,\n" * 50)),
    BadInput("html_named_pdf", "unsupported_format", _Object("bad/html.pdf", b"<html><body>404</body></html>")),
    BadInput("image_cut_short", "corrupt_image", _Object("bad/cut.png", picture("cut", "short")[:200])),
    BadInput("pdf_cut_short", "corrupt_pdf", _Object("bad/cut.pdf", b"%PDF-1.7\n1 0 obj\n<</Type/Cat")),
    BadInput("pdf_encrypted", "encrypted_pdf", _Object("bad/locked.pdf", encrypted_pdf("secret"))),
    BadInput("password_not_mounted", "password_secret_missing", _Object(
        "bad/secret.pdf", encrypted_pdf("secret"), {"options": {"password_secret": "nobody-mounted-this"}})),
    BadInput("page_of_100000_points", "page_too_large", _Object("bad/huge.pdf", make_pdf([HUGE_PAGE]))),
    BadInput("page_not_there", "page_out_of_range", _Object(
        "bad/short.pdf", quarters_pdf(2), {"options": {"pages": "3-5"}})),
]  # fmt: skip
"""Refused when the object is fetched or opened."""

ALL = EVENTS + OBJECTS
