"""What `read_event` makes of records, good and bad."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.fields import SCHEMA_VERSION
from schemas.inbound import Inbound, NoDocument, Refused, Submitted, read_event
from schemas.notifications import MAX_DOCUMENTS
from schemas.problems import UnknownSchemaVersion

OWN = {"schema_version": "1.0", "bucket": "scans", "key": "a/b c+d.pdf"}
SECRET = "zq9-secret"


def read(body: Any, **headers: str) -> Inbound:
    named = tuple((name.replace("_type", "-type"), value.encode()) for name, value in headers.items())
    return read_event(json.dumps(body).encode(), named)


def record(
    key: Any = "a.pdf", *, event: Any = "s3:ObjectCreated:Put", source: str = "minio:s3", **found: Any
) -> dict[str, Any]:
    s3 = {"bucket": {"name": "scans"}, "object": {"key": key, **found}}
    return {"eventName": event, "eventSource": source, "s3": s3}


def only(inbound: Inbound) -> Submitted | Refused | NoDocument:
    (entry,) = inbound.documents
    return entry


def code(inbound: Inbound) -> str:
    entry = only(inbound)
    assert isinstance(entry, Refused)
    assert entry.index == 0
    return entry.code


def key_of(inbound: Inbound) -> str:
    entry = only(inbound)
    assert isinstance(entry, Submitted)
    return entry.event.key


@pytest.mark.parametrize("version", ["1", "1.0", "1.7", "1.2.3", 1, 1.0, 1.5])
def test_every_spelling_of_major_one_is_read(version: object) -> None:
    """Major 1 is read however it is spelt, and is the version of this release from then on."""
    entry = only(read({**OWN, "schema_version": version, "from_a_later_minor": 1}))
    assert isinstance(entry, Submitted)
    assert entry.event.schema_version == SCHEMA_VERSION


@pytest.mark.parametrize("version", ["2", "2.0", 2, 2.0, "0.9", "17.1"])
def test_another_major_stops_rather_than_refuses(version: object) -> None:
    """Another major version is nobody's document's fault, also inside a CloudEvent."""
    with pytest.raises(UnknownSchemaVersion):
        read({**OWN, "schema_version": version})
    with pytest.raises(UnknownSchemaVersion):
        read({"specversion": "1.0", "data": {**OWN, "schema_version": version}})


@pytest.mark.parametrize("version", [None, True, "", "v1", "one", [], {}, -1, "1" * 9, "١"])
def test_what_is_no_version_is_the_events_fault(version: object) -> None:
    """Garbage for a version is one bad event and must not stop a consumer."""
    assert code(read({**OWN, "schema_version": version})) == "invalid_event"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "tombstone"),
        (b"", "not_json"),
        (b"\xff", "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[]", "unknown_schema"),
        (b"{}", "unknown_schema"),
        (b'{"bucket": "scans", "key": "a"}', "unknown_schema"),
        (b'{"Records": {}}', "invalid_event"),
        (b" " * (5 << 20), "invalid_event"),
        (json.dumps({"Records": [{}] * (MAX_DOCUMENTS + 1)}).encode(), "too_many_documents"),
    ],
)
def test_a_record_that_is_bad_as_a_whole_is_one_refusal(value: bytes | None, expected: str) -> None:
    """Each whole-record failure has its own stable code, at index 0."""
    assert code(read_event(value, ())) == expected


@pytest.mark.parametrize(
    "options",
    [
        {"dpi": 71},
        {"dpi": 601},
        {"dpi": "200"},
        {"dpi": 200.5},
        {"dpi": True},
        {"tables": 1},
        {"tables": "yes"},
        {"pages": ""},
        {"pages": []},
        {"pages": "0"},
        {"pages": "3-1"},
        {"pages": "1-"},
        {"pages": [1, "2"]},
        {"pages": "1," * 1001 + "1"},
        {"pages": 3},
        {"password_secret": "../etc/passwd"},
        {SECRET: 1},
    ],
)
def test_options_are_obeyed_or_refused(options: dict[str, object]) -> None:
    """An option that is unknown, of the wrong type or out of range is refused, never ignored or guessed."""
    assert code(read({**OWN, "options": options})) == "invalid_options"


@pytest.mark.parametrize(
    "wrong",
    [
        {"bucket": None},
        {"bucket": SECRET + "/x"},
        {"key": ""},
        {"key": SECRET + "\x00"},
        {"key": f"{SECRET}/../x"},
        {"key": SECRET + "ß" * 512},
        {"key": [SECRET]},
        {"size": SECRET},
        {"size": -1},
        {"size": True},
        {"metadata": {SECRET: 1}},
        {"metadata": {str(n): "" for n in range(65)}},
        {"options": {SECRET: SECRET}},
        {"options": SECRET},
    ],
)
def test_a_refusal_repeats_nothing_of_the_event(wrong: dict[str, object]) -> None:
    """Values and foreign names stay out of the message; it names our field and says what to do."""
    entry = only(read({**OWN, **wrong}))
    assert isinstance(entry, Refused)
    assert SECRET not in entry.message
    assert next(iter(wrong)) in entry.message


@given(key=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60))
@example(key="a+b c%2F.pdf")
def test_stores_keys_come_back_as_the_store_knows_them(key: str) -> None:
    """Form-encoded keys (MinIO, AWS) are unquoted once; Ceph's and our own are taken as they are."""
    if key.endswith("/") or {".", ".."} & set(key.split("/")):
        return
    assert key_of(read({"Records": [record(quote_plus(key))]})) == key
    assert key_of(read({"Records": [record(quote_plus(key, safe="/"), source="aws:s3")]})) == key
    assert key_of(read({"Records": [record(key, source="ceph:s3")]})) == key
    assert key_of(read({**OWN, "key": key})) == key


def test_a_path_is_checked_after_unquoting() -> None:
    """Encoding does not smuggle a parent segment past the check, nor bytes that are no text."""
    assert code(read({"Records": [record("in%2F..%2Fother")]})) == "key_not_allowed"
    assert code(read({"Records": [record("%FF.pdf")]})) == "invalid_event"


@pytest.mark.parametrize(
    ("size", "expected"), [("48213", 48213), (48213, 48213), ("", None), (None, None), (0, 0), ("0", 0)]
)
def test_sizes_come_as_numbers_or_strings(size: object, expected: int | None) -> None:
    """Ceph's string and MinIO's absence of a size are understood."""
    entry = only(read({"Records": [record(size=size)]}))
    assert isinstance(entry, Submitted)
    assert entry.event.size == expected


@pytest.mark.parametrize(
    ("given_id", "given_etag", "version_id", "etag"),
    [("", "", None, None), ("null", '"abc"', None, "abc"), ("v1", 'W/"abc"', "v1", "abc"), (None, "a-2", None, "a-2")],
)
def test_no_version_has_several_spellings(
    given_id: object, given_etag: object, version_id: str | None, etag: str | None
) -> None:
    """ "" and "null" are no version, and an etag has no quotes, in a notification and in our own event alike."""
    inbound = (
        read({"Records": [record(versionId=given_id, eTag=given_etag)]}),
        read({**OWN, "version_id": given_id, "etag": given_etag}),
    )
    for entry in map(only, inbound):
        assert isinstance(entry, Submitted)
        assert (version_id, etag) == (entry.event.version_id, entry.event.etag)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"Service": "Amazon S3", "Event": "s3:TestEvent"}, "test_event"),
        ({"Records": []}, "empty_notification"),
        ({"Records": [record(event="s3:TestEvent")]}, "test_event"),
        ({"Records": [record(event="ObjectRemoved:DeleteMarkerCreated")]}, "removal"),
        ({"Records": [record(event="s3:ObjectRemoved:Delete", key=None)]}, "removal"),
        ({"Records": [record(event="s3:LifecycleExpiration:Delete")]}, "removal"),
        ({"Records": [record(event="s3:ObjectLifecycle:Expiration:Current")]}, "removal"),
        ({"Records": [record(event="s3:ObjectAccessed:Get")]}, "other_event"),
        ({"Records": [record("in%2F")]}, "folder_marker"),
        ({"Records": [record("in/", size="0")]}, "folder_marker"),
    ],
)
def test_what_names_no_document_settles_silently(body: dict[str, object], reason: str) -> None:
    """Test events, removals and folder markers are no failures."""
    assert only(read(body)) == NoDocument(0, reason)  # type: ignore[arg-type]


def test_a_key_that_ends_like_a_folder_but_holds_bytes_is_a_document() -> None:
    """Only an empty object is a folder marker."""
    assert key_of(read({"Records": [record("odd%2F", size=7)]})) == "odd/"


@pytest.mark.parametrize("size", [True, -1, 1.5, "x", "1" * 20, [], {}])
def test_a_size_of_another_kind_is_refused(size: object) -> None:
    """A size that is no count of bytes is refused, not dropped."""
    assert code(read({"Records": [record(size=size)]})) == "invalid_event"


def test_an_event_of_ours_may_have_any_further_field() -> None:
    """A field that looks like an envelope's or a notification's does not make it one."""
    assert key_of(read({**OWN, "specversion": "1.0", "data": {}, "Records": []})) == OWN["key"]


def test_one_bad_entry_spoils_no_other() -> None:
    """Each Record keeps its own index and its own outcome."""
    records = [
        record("a"),
        7,
        record(size="x"),
        record(event="ObjectRemoved:Delete"),
        record(contentType=5),
        record("b"),
    ]
    shape = [(type(entry), entry.index) for entry in read({"Records": records}).documents]
    assert shape == [(Submitted, 0), (Refused, 1), (Refused, 2), (NoDocument, 3), (Refused, 4), (Submitted, 5)]


@pytest.mark.parametrize("inner", [OWN, {"Records": [record("a"), record("b")]}, record("a"), {"Records": [7]}])
def test_a_cloudevent_says_what_its_data_says(inner: dict[str, object]) -> None:
    """Both modes, base64 too, and a missing content type change nothing."""
    plain = read(inner)
    envelope = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
    encoded = base64.b64encode(json.dumps(inner).encode()).decode()
    structured = "Application/CloudEvents+JSON; charset=utf-8"
    assert read(inner, ce_specversion="1.0", ce_id="1", content_type="application/json") == plain
    assert read({**envelope, "data": inner}, content_type=structured) == plain
    assert read({**envelope, "data_base64": encoded}, content_type=structured) == plain
    assert read({**envelope, "data": inner}) == plain


@pytest.mark.parametrize(
    ("envelope", "content_type", "expected"),
    [
        ({"specversion": "0.3", "data": OWN}, "application/cloudevents+json", "unknown_schema"),
        ({"specversion": "1.0"}, "application/cloudevents+json", "invalid_event"),
        ({"specversion": "1.0", "data": "text"}, "application/cloudevents+json", "invalid_event"),
        ({"specversion": "1.0", "data_base64": "*"}, "application/cloudevents+json", "invalid_event"),
        ({"specversion": "1.0", "data_base64": "ß"}, "application/cloudevents+json", "invalid_event"),
        ({"specversion": "1.0", "data_base64": "e30="}, "application/cloudevents+json", "unknown_schema"),
        ({"specversion": "1.0", "data": OWN}, "Application/CloudEvents-Batch+JSON ; charset=utf-8", "unknown_schema"),
        ({"specversion": "1.0", "data": {"specversion": "1.0", "data": OWN}}, "", "unknown_schema"),
    ],
)
def test_a_bad_envelope_is_refused(envelope: dict[str, object], content_type: str, expected: str) -> None:
    """Another CloudEvents version, a batch, or an envelope in an envelope is not opened."""
    assert code(read(envelope, content_type=content_type)) == expected


names = st.sampled_from(
    [
        *("schema_version", "bucket", "key", "size", "options", "pages", "dpi", "metadata"),
        *("Records", "s3", "object", "name", "eventName", "eventSource", "eTag", "versionId", "contentType", "Event"),
        *("specversion", "data", "data_base64"),
    ]
)
words = st.sampled_from(["1.0", "s3:ObjectCreated:Put", "scans", "a%ZZ", "null", "", "s3:TestEvent", "e30=", "1-2"])
bodies = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=8),
    max_leaves=25,
)
headers = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "Content-Type", "ce_specversion"]),
        st.sampled_from([b"application/cloudevents+json", b"application/json"]) | st.binary(max_size=8),
    ),
    max_size=2,
).map(tuple)


@given(value=st.binary(max_size=60) | bodies.map(lambda body: json.dumps(body).encode()), headers=headers)
def test_no_bytes_make_it_raise(value: bytes, headers: tuple[tuple[str, bytes], ...]) -> None:
    """For any bytes there is an answer, indexed from 0 without gaps; only an unknown version of ours may raise."""
    try:
        found = read_event(value, headers)
    except UnknownSchemaVersion:
        return
    assert [entry.index for entry in found.documents] == list(range(len(found.documents)))
    assert found.documents
