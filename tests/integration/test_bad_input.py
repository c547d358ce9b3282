"""Whatever is sent: exactly one dead letter with its code, nothing else, and the next document is served."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.engines.fake import Fault, mark
from pipeline.errors import Environment
from schemas.failures import MESSAGE_BYTES, read_dead_letter
from tests.bad_inputs import ALL, HUGE_PAGE, MAX_OBJECT_BYTES, BadInput, largest_event
from tests.documents import PdfPageSpec, make_pdf, quarters_at
from tests.worker import EVENT_BYTES, Site, jpeg, notification, pages, picture, submitted, unit_of


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    made = Site(store={"max_object_bytes": MAX_OBJECT_BYTES})
    with made.worker():
        yield made


def still_serves(site: Site) -> bool:
    return site.completion(site.submit("good.png", picture("good"))).status == "complete"


@pytest.mark.parametrize("bad", ALL, ids=lambda bad: bad.name)
def test_a_bad_input_is_one_dead_letter(site: Site, bad: BadInput) -> None:
    """It ends with its code and its own bytes, under its own offset, and what comes after it is served."""
    record = site.produce(bad.value(site), key=b"its key", headers=bad.headers)
    assert still_serves(site)
    dead = site.outcome(record)
    assert (dead.code, dead.record.key, dead.record.value) == (bad.code, record.key, record.value)
    assert dead.record.headers[: len(bad.headers)] == bad.headers
    site.until(lambda: site.committed(record) > record.offset)


def test_a_reason_repeats_nothing_of_the_document(site: Site) -> None:
    """No dead letter's reason holds a key, a text or a bucket's name, and none is long."""
    bad = site.produce(submitted("Zebra/../Zebra", bucket="private"))
    named = site.submit("Zebra.png", b"Zebra")
    letters = [read_dead_letter(site.outcome(record).record.headers) for record in (bad, named)]
    for letter in letters:
        assert letter is not None
        assert "ebra" not in letter.message
        assert 0 < len(letter.message) < MESSAGE_BYTES


def test_the_largest_event_fits_into_a_dead_letter(site: Site) -> None:
    """An event as large as its topic takes can still be dead-lettered, byte for byte."""
    record = site.produce(largest_event(EVENT_BYTES))
    dead = site.outcome(record)
    assert (dead.code, dead.record.value) == ("bucket_not_allowed", record.value)
    assert still_serves(site)


def test_the_largest_event_fits_into_a_retry(site: Site) -> None:
    """An event as large as its topic takes can go over the retry topic and be read in the end."""
    site.put("large event.png", picture("once", mark(Fault.ONCE, name="large event")))
    padding = EVENT_BYTES - len(submitted("large event.png", x=""))
    done = site.completion(site.produce(submitted("large event.png", x="x" * padding)))
    assert (done.attempts, done.status) == (2, "complete")


def test_names_do_not_matter(site: Site) -> None:
    """A JPEG under the name of a PDF is read: only the bytes are asked."""
    done = site.completion(site.submit("really a jpeg.pdf", jpeg("photo"), content_type="application/pdf"))
    assert (done.status, done.pages_by_status.ok) == ("complete", 1)


@pytest.mark.parametrize(
    ("key", "body", "code"),
    [
        (
            "page.pdf",
            make_pdf([PdfPageSpec(content=quarters_at(0, 0, 60, 40)), HUGE_PAGE, PdfPageSpec()]),
            "page_too_large",
        ),
        ("page.tiff", pages(["one"], [mark(Fault.REJECTED)], ["three"]), "fake_rejected"),
        ("line.tiff", pages(["one"], ["two", mark(Fault.REJECTED, "recognise")], ["three"]), "fake_rejected"),
    ],
    ids=["page_that_cannot_be_decoded", "page_that_cannot_be_searched", "line_that_cannot_be_read"],
)
def test_one_bad_page_of_three_costs_itself(site: Site, key: str, body: bytes, code: str) -> None:
    """The document is `partial`: that page says failed and why, the others are as if alone."""
    record = site.submit(key, body)
    done = site.completion(record)
    found = [r for r in site.cluster.records(site.topics.pages) if r.key == done.document_id.encode()]
    assert (done.status, done.pages_by_status.failed, len(found)) == ("partial", 1, 3)
    assert [code.encode() in (page.value or b"") for page in found] == [False, True, False]


def test_a_document_without_a_good_page_is_dead(site: Site) -> None:
    """Where no page could be read there is no result, and the first page's reason is the document's."""
    dead = site.outcome(site.submit("all bad.tiff", pages([mark(Fault.REJECTED)], [mark(Fault.REJECTED)])))
    assert (dead.code, dead.completed) == ("fake_rejected", None)


def test_good_and_bad_in_one_notification(site: Site) -> None:
    """Three objects of one record have three outcomes, each under its index, and the offset moves past them."""
    site.put("mixed/0.png", picture("zero"))
    site.put("mixed/2.png", b"no picture")
    record = site.produce(notification("mixed/0.png", "mixed/missing.png", "mixed/2.png"))
    units = [unit_of(record, index) for index in range(3)]
    found = site.settled(units)
    assert [found[unit].code for unit in units] == ["complete", "object_missing", "unsupported_format"]
    site.until(lambda: site.committed(record) > record.offset)


def test_wrong_credentials_stop_the_worker() -> None:
    """A store that refuses us is no document's fault: the worker says why, and reads it once that is mended."""
    site = Site(flow={"environment_tries": 2})
    record = site.submit("later.png", picture("later"))
    site.store.fail("store_forbidden", 100)
    with site.worker() as running:
        error = running.ended()
    assert isinstance(error, Environment)
    assert (error.code, site.terminals(), site.committed(record)) == ("store_forbidden", [], record.offset)
    site.mend_store()
    site.put("later.png", picture("later"))
    with site.worker():
        assert site.completion(record).status == "complete"


def test_an_unknown_schema_version_stops_the_worker() -> None:
    """An event of a version yet to come stops the worker before it; what came earlier is settled or to be read."""
    site = Site(partitions=1)
    earlier = site.submit("earlier.png", picture("earlier"))
    ahead = site.produce(submitted("k").replace(b'"1.0"', b'"2.0"'))
    with site.worker() as running:
        error = running.ended()
    assert isinstance(error, Environment)
    assert error.code == "unknown_schema_version"
    settled = [one.unit for one in site.terminals()]
    assert settled == ([unit_of(earlier)] if site.committed(ahead) == ahead.offset else [])
    assert site.committed(ahead) <= ahead.offset


def test_an_event_that_is_refused_was_never_attempted(site: Site) -> None:
    """Its dead letter says 0 attempts, and carries every header it came with, names like ours included."""
    theirs = (("retry.attempt", b"mine"), ("dlq.topic", b"mine too"))
    record = site.produce(b"not json", headers=theirs)
    letter = site.outcome(record).record
    assert letter.headers[: len(theirs)] == theirs
    assert ("dlq.attempts", b"0") in letter.headers


def test_a_flood_of_bad_input_stops_the_worker() -> None:
    """When document after document fails the worker stops, and what it had not published yet stays to be read."""
    site = Site(partitions=1, flow={"breaker_run": 5})
    records = [site.produce(submitted(f"nobody/{number}")) for number in range(20)]
    with site.worker() as running:
        error = running.ended()
    assert isinstance(error, Environment)
    assert error.code == "too_many_failures"
    dead = {one.unit for one in site.terminals()}
    assert len(dead) == 5
    assert site.committed(records[-1]) < records[-1].offset
