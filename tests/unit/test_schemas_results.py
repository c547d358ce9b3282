"""Messages we write: what they refuse, how they round, how they are named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import cloudevents, ids
from schemas.codec import decode, encode
from schemas.events import Options
from schemas.fields import relative_box, rfc3339
from schemas.problems import Malformed, UnknownSchemaVersion
from schemas.results import (
    Cell,
    ContentRef,
    DocumentResult,
    EventRef,
    ModelStamp,
    PageError,
    PageResult,
    PagesByStatus,
    Pipeline,
    Source,
    Table,
    TextLine,
)

SHA = "0" * 64
DOCUMENT = ids.document_id("scans", "a.pdf", etag="e")
OPTIONS = Options(dpi=200, tables=True, correct=True)
RESULT = ids.result_id(DOCUMENT, OPTIONS, SHA)
SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
CONTENT = ContentRef(bucket="results", key="k", size=1, sha256=SHA)
FAILED = PageError(code="page_too_large", stage="decode", message="Lower dpi.")


def page(number: int = 1, **fields: Any) -> PageResult:
    return PageResult(**{"document_id": DOCUMENT, "result_id": RESULT, "number": number, "status": "ok", **fields})


def document(*pages: PageResult, **fields: Any) -> DocumentResult:
    whole = {
        "document_id": DOCUMENT,
        "result_id": RESULT,
        "status": PagesByStatus.of(pages).document_status,
        "source": Source(bucket="scans", key="a.pdf", size=1, sha256=SHA),
        "options": OPTIONS,
        "page_count": 9,
        "pages": pages,
        "pipeline": Pipeline(version="0", fingerprint=SHA, models=()),
    }
    return DocumentResult(**{**whole, **fields})


def test_a_document_with_a_failed_page_is_never_complete() -> None:
    """Status follows the pages: failed makes partial; empty and skipped do not."""
    failed = page(2, status="failed", error=FAILED)
    assert document(page(1), failed).status == "partial"
    assert document(page(1, status="empty"), page(2, status="skipped")).status == "complete"
    with pytest.raises(ValidationError):
        document(page(1), failed, status="complete")
    with pytest.raises(ValidationError):
        document(page(1), status="partial")


@pytest.mark.parametrize("numbers", [(2, 1), (1, 1), (10,)])
def test_pages_ascend_and_exist(numbers: tuple[int, ...]) -> None:
    """No page twice, none out of order, none beyond the document."""
    with pytest.raises(ValidationError):
        document(*(page(number) for number in numbers))


def test_a_page_of_another_document_is_refused() -> None:
    """Pages can't be mixed up between documents."""
    with pytest.raises(ValidationError):
        document(page(1, result_id=DOCUMENT))


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "failed"},
        {"error": FAILED},
        {"text": None},
        {"content": CONTENT},
        {"content": CONTENT, "text": None, "blocks": None, "lines": None},
        {"number": 0},
        {"rotation": 45},
        {"width": float("nan")},
    ],
)
def test_a_page_that_contradicts_itself_is_refused(fields: dict[str, Any]) -> None:
    """An error exactly for failed; body or content reference, never a mix."""
    with pytest.raises(ValidationError):
        page(**fields)


def test_a_claim_check_reads_back() -> None:
    """The short form has null for the whole body, names the object, and is itself a valid page."""
    short = page(text="long").claim_check(CONTENT)
    again = decode(PageResult, encode(short))
    assert again == short
    assert again.content == CONTENT
    assert {again.text, again.blocks, again.lines, again.tables} == {None}


def test_a_cell_lies_inside_its_table() -> None:
    """Spans can't reach over the grid."""
    cell = Cell(row=0, column=1, column_span=2, text="", polygon=SQUARE)
    with pytest.raises(ValidationError):
        Table(id="t", polygon=SQUARE, row_count=1, column_count=2, cells=(cell,), html="", confidence=1)


def test_numbers_are_rounded_once_and_for_all() -> None:
    """Confidence 4 decimals, boxes 6, pixels 1, no negative zero: equal pages are equal bytes."""
    line = TextLine(
        id="l",
        text="x",
        confidence=0.98765432,
        polygon=((-0.04, 10.26), (1, 2), (3, 4), (5.55, 6)),
        bbox=(-0.0, 1 / 3, 1, 1),
    )
    assert encode(line) == (
        b'{"id":"l","text":"x","confidence":0.9877,"read_as":null,"junk":false,'
        b'"polygon":[[0.0,10.3],[1.0,2.0],[3.0,4.0],[5.5,6.0]],"bbox":[0.0,0.333333,1.0,1.0]}'
    )


@given(st.floats(0, 1), st.lists(st.floats(-1e4, 1e4), min_size=8, max_size=8))
def test_bytes_read_back_to_the_same_bytes(confidence: float, numbers: list[float]) -> None:
    """encode after decode after encode changes nothing."""
    a, b, c, d = zip(numbers[::2], numbers[1::2], strict=True)
    polygon = (a, b, c, d)
    box = relative_box(polygon, width=1654, height=2339)
    line = TextLine(id="l", text="\u00df\u4e2d", confidence=confidence, polygon=polygon, bbox=box)
    written = encode(page(lines=(line,), text=line.text))
    assert encode(decode(PageResult, written)) == written


def test_relative_boxes_are_clipped_to_the_page() -> None:
    """A polygon over the edge has a box that ends at the edge."""
    assert relative_box(((-5, 10), (50, 10), (50, 250), (-5, 250)), width=100, height=200) == (0.0, 0.05, 0.5, 1.0)


def test_bytes_of_another_shape_or_version_are_typed_problems() -> None:
    """Malformed repeats nothing of the bytes; another major is told apart."""
    with pytest.raises(Malformed) as caught:
        decode(PageResult, b'{"number": "secret"}')
    assert "secret" not in str(caught.value)
    with pytest.raises(UnknownSchemaVersion):
        decode(PageResult, encode(page()).replace(b'"1.1"', b'"2.0"'))


def test_times_are_utc_with_z_and_milliseconds() -> None:
    """One spelling for one moment, whatever the zone; a time no calendar knows is none."""
    moment = datetime(2026, 11, 22, 12, 30, 0, 250_999, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339(moment) == "2026-11-22T10:30:00.250Z"
    event = EventRef.at("documents", 0, offset=1, timestamp_ms=1_795_361_400_251)
    assert b'"timestamp":"2026-11-22T15:30:00.251Z"' in encode(event)
    assert EventRef.at("documents", 0, offset=1, timestamp_ms=2**62).timestamp is None


@given(st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_page_selections_have_one_spelling(numbers: list[int]) -> None:
    """Lists and ranges in any order are one canonical string, which selects exactly those pages."""
    listed = Options(pages=numbers)  # type: ignore[arg-type]
    spelt = Options(pages=" , ".join(str(number) for number in reversed(numbers)))
    assert listed == spelt
    assert listed == Options(pages=listed.pages)
    assert {number for number in range(1, 40) if listed.selects(number)} == set(numbers)


def test_page_ranges_merge() -> None:
    """Ranges that overlap or touch become one; no selection is every page."""
    assert Options(pages="7,1-3, 2 - 4,5").pages == "1-5,7"
    assert Options(pages="1-9,2-3,5").pages == "1-9"
    assert Options().selects(10**9)


def test_effective_options_fill_in_defaults_only() -> None:
    """What the caller asked for stays; what was left open takes the service's default."""
    asked = Options(pages="2", tables=False)
    filled = Options(pages="2", dpi=200, tables=False, correct=True)
    assert asked.effective(dpi=200, tables=True, correct=True) == filled
    assert Options(correct=False).effective(dpi=200, tables=True, correct=True).correct is False


@given(st.booleans())
def test_a_default_and_the_same_wish_make_one_result(correct: bool) -> None:
    """An option left open and the same one asked for are the same work, so they have the same result_id."""
    left, asked = (Options(correct=wish).effective(dpi=200, tables=True, correct=correct) for wish in (None, correct))
    assert ids.result_id(DOCUMENT, left, SHA) == ids.result_id(DOCUMENT, asked, SHA)


def test_a_page_of_1_0_is_read_with_the_new_fields_at_their_defaults() -> None:
    """1.1 only adds fields: what a service of 1.0 has written stays readable."""
    line = TextLine(id="l", text="x", confidence=1, polygon=SQUARE, bbox=(0, 0, 1, 1))
    new = page(lines=(line,), text="x")
    old = new.model_dump(exclude={"text_not_read": True, "lines": {"__all__": {"read_as"}}}) | {"schema_version": "1.0"}
    assert decode(PageResult, orjson.dumps(old)) == new


def test_ids_follow_from_content() -> None:
    """Equal inputs, equal ids, in every release: these values are a contract."""
    assert DOCUMENT == "d8e10f6d-d50c-5458-9378-c546c77b7c32"
    assert RESULT == "55bc04b0-ce21-5c55-9b56-12424b586571"
    assert ids.document_id("scans", "a.pdf", version_id="null", etag='"e"') == DOCUMENT
    assert ids.document_id("scans", "a.pdf", version_id="v", etag="e") == ids.document_id(
        "scans", "a.pdf", version_id="v"
    )


@pytest.mark.parametrize("unknown", [None, "", "null"])
def test_an_object_without_version_and_etag_has_no_id(unknown: str | None) -> None:
    """Rather no id than one that two contents share."""
    with pytest.raises(ValueError, match="Ask the store"):
        ids.document_id("scans", "a.pdf", version_id=unknown, etag="")


def test_ids_differ_where_the_work_differs() -> None:
    """Bucket, key, identity, options and pipeline each count."""
    others = {
        ids.document_id("scan", "sa.pdf", etag="e"),
        ids.document_id("scans", "b.pdf", etag="e"),
        ids.document_id("scans", "a.pdf", etag="f"),
        ids.result_id(DOCUMENT, OPTIONS.model_copy(update={"dpi": 201}), SHA),
        ids.result_id(DOCUMENT, OPTIONS.model_copy(update={"pages": "1"}), SHA),
        ids.result_id(DOCUMENT, OPTIONS.model_copy(update={"correct": False}), SHA),
        ids.result_id(DOCUMENT, OPTIONS, "1" * 64),
    }
    assert len(others - {DOCUMENT, RESULT}) == 7


def test_a_fingerprint_ignores_order_and_nothing_else() -> None:
    """The order of settings and models does not count; every value does."""
    first, second = (ModelStamp(name=n, sha256=SHA, runtime="r", device="cpu", precision="fp32") for n in "ab")
    whole = ids.pipeline_fingerprint({"x": 1, "y": 0.3}, [first, second])
    assert ids.pipeline_fingerprint({"y": 0.3, "x": 1}, [second, first]) == whole
    faster = second.model_copy(update={"precision": "fp16"})
    assert ids.pipeline_fingerprint({"x": 1, "y": 0.3}, [first, faster]) != whole
    assert ids.pipeline_fingerprint({"x": 2, "y": 0.3}, [first, second]) != whole


def test_cloudevents_headers_are_the_ones_documented() -> None:
    """A page's headers follow from the page and the time given, and each is described."""
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    headers = cloudevents.page_headers(page(3), source="/pagestream", time=moment)
    named = dict(headers)
    assert named.keys() == cloudevents.MEANING.keys()
    assert len(named) == len(headers)
    assert named["ce_id"] == f"{RESULT}/3".encode()
    assert named["ce_subject"] == DOCUMENT.encode()
    assert named["ce_time"] == b"2026-11-22T00:00:00.000Z"
