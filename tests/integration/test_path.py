"""The straight path: a good document from its event to its records, its object and its trace."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

import orjson
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from connectors.headers import read_trace
from pipeline.engines.fake import Fault, Table, mark
from schemas.codec import decode, encode
from schemas.failures import DEAD_LETTER
from schemas.pages import ContentRef, PageResult
from schemas.record import Record
from schemas.results import DocumentCompleted, DocumentResult
from tests.worker import Running, Site, notification, pages, picture, submitted, unit_of

PARENT = "b7ad6b7169203331"
STAGES = {"fetch", "decode", "wait", "detect", "wait recognise", "recognise", "store", "publish"}


@pytest.fixture(scope="module")
def site() -> Site:
    return Site(flow={"retry_delays_s": (1, 2)})


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture(scope="module", autouse=True)
def worker(site: Site, exporter: InMemorySpanExporter) -> Iterator[Running]:
    with site.worker(processors=[SimpleSpanProcessor(exporter)]) as running:
        yield running


def traceparent(trace: int) -> tuple[str, bytes]:
    return "traceparent", f"00-{trace:032x}-{PARENT}-01".encode()


def page_records(site: Site, done: DocumentCompleted) -> list[tuple[Record, PageResult]]:
    mine = [r for r in site.cluster.records(site.topics.pages) if r.key == done.document_id.encode()]
    return [(record, decode(PageResult, record.value or b"")) for record in mine]


def content(site: Site, place: ContentRef) -> bytes:
    """What lies there, seen to be what was promised."""
    body = site.object(place.bucket, place.key)
    assert (len(body), hashlib.sha256(body).hexdigest()) == (place.size, place.sha256)
    return body


def result_of(site: Site, done: DocumentCompleted) -> DocumentResult:
    return decode(DocumentResult, content(site, done.result))


def headers_of(record: Record) -> dict[str, bytes]:
    assert len(dict(record.headers)) == len(record.headers)
    return dict(record.headers)


def test_a_document_becomes_records_and_an_object(site: Site) -> None:
    """Pages and completion carry the document's id as key, and say just what the result object says."""
    body = pages(["one", "two"], [], ["three"])
    record = site.submit("in/three pages.tiff", body, content_type="image/tiff")
    done = site.completion(record)
    result = result_of(site, done)
    assert [page.text for page in result.pages] == ["one\ntwo", "", "three"]
    assert [page.status for page in result.pages] == ["ok", "empty", "ok"]
    assert tuple(page for _, page in page_records(site, done)) == result.pages
    assert site.outcome(record).record.key == done.document_id.encode()
    assert (done.status, done.page_count, done.pages_by_status.ok) == ("complete", 3, 2)
    assert (done.source.sha256, done.source.size) == (hashlib.sha256(body).hexdigest(), len(body))
    assert (done.document_id, done.result_id) == (result.document_id, result.result_id)


def test_outgoing_records_are_cloud_events(site: Site) -> None:
    """Every page and completion is a binary-mode CloudEvent whose id names the fact."""
    record = site.submit("in/events.tiff", pages(["a"], ["b"]))
    done = site.completion(record)
    heads = [headers_of(record) for record, _ in page_records(site, done)]
    assert [head["ce_id"].decode() for head in heads] == [f"{done.result_id}/1", f"{done.result_id}/2"]
    head = headers_of(site.outcome(record).record)
    topic, partition, offset, index = unit_of(record)
    assert head["ce_id"].decode() == f"{done.result_id}/{topic}/{partition}/{offset}/{index}"
    assert {head["content-type"], *(one["content-type"] for one in heads)} == {b"application/json"}


def test_the_same_input_writes_the_same_bytes(site: Site) -> None:
    """A document read alone and read again among others leaves the same object, byte for byte."""
    body = pages(["first line", "second"], ["third"], ["x" * 20, "y" * 40])
    place = site.completion(site.submit("twice.tiff", body)).result
    alone = content(site, place)
    site.store.remove(place.bucket, place.key)
    crowd = [(f"crowd/{n}.tiff", pages([f"crowd {n}"], ["third"])) for n in range(8)] + [("twice.tiff", body)]
    random.Random(7).shuffle(crowd)
    records = {key: site.submit(key, other) for key, other in crowd}
    site.settled([unit_of(record) for record in records.values()])
    assert site.completion(records["twice.tiff"]).result == place
    assert content(site, place) == alone


def test_no_other_documents_text_slips_in(site: Site) -> None:
    """However pages are batched, each document gets its own lines, in its own order."""
    texts = {f"mix/{n}.tiff": [[f"{n} {page} {line}" for line in range(3)] for page in range(3)] for n in range(6)}
    records = {key: site.submit(key, pages(*text)) for key, text in texts.items()}
    for key, text in texts.items():
        result = result_of(site, site.completion(records[key]))
        assert [page.text for page in result.pages] == ["\n".join(lines) for lines in text]


def test_reference_and_metadata_are_echoed(site: Site) -> None:
    """What the caller says of its own comes back in the completion, and nowhere in the result object."""
    metadata = {"customer": "Ærø", "empty": ""}
    done = site.completion(site.submit("echo.png", picture("echo"), reference="order 17", metadata=metadata))
    assert (done.reference, done.metadata) == ("order 17", metadata)
    assert b"order 17" not in content(site, done.result)


def test_the_event_in_results_names_the_record(site: Site) -> None:
    """A completion points at the very record, with its time, that asked for it."""
    record = site.submit("where.png", picture("where"))
    event = site.completion(record).event
    assert (event.topic, event.partition, event.offset, event.index) == unit_of(record)
    assert event.timestamp is not None
    assert record.timestamp_ms is not None
    assert round(event.timestamp.timestamp() * 1000) == record.timestamp_ms


def test_pages_not_asked_for_are_skipped(site: Site) -> None:
    """`options.pages` reads those and reports the others as skipped: the document is still complete."""
    done = site.completion(site.submit("some.tiff", pages(["1"], ["2"], ["3"], ["4"]), options={"pages": "2,4"}))
    found = [(page.number, page.status, page.text) for _, page in page_records(site, done)]
    assert found == [(1, "skipped", ""), (2, "ok", "2"), (3, "skipped", ""), (4, "ok", "4")]
    assert (done.status, done.page_count, done.pages_by_status.skipped) == ("complete", 4, 2)


def test_options_make_another_result_of_the_same_document(site: Site) -> None:
    """Other options: the same document_id, another result_id, another object."""
    body = pages(["1"], ["2"])
    whole = site.completion(site.submit("options.tiff", body))
    part = site.completion(site.submit("options.tiff", body, options={"pages": [1]}))
    assert whole.document_id == part.document_id
    assert whole.result.key != part.result.key


@pytest.mark.parametrize("usual", [True, False])
def test_an_event_says_whether_tables_are_read(usual: bool) -> None:
    """What the event says holds against what is usual here; without a word the usual does."""
    site = Site(engine={"tables": usual})
    body = picture("above", Table((("item", "price"), ("pen", "two"), ("ink", "nine"))))
    found = {}
    with site.worker():
        for wish in (None, True, False):
            done = site.completion(site.submit("table.png", body, options={"tables": wish}))
            [(_, page)] = page_records(site, done)[-1:]
            found[wish] = len(page.tables or ())
    assert found == {None: int(usual), True: 1, False: 0}


@pytest.mark.parametrize("usual", [True, False])
def test_an_event_says_whether_lines_are_corrected(usual: bool) -> None:
    """The result tells the option in effect, and each of the two ways has a result_id of its own."""
    site = Site(engine={"correct": usual})
    found = {}
    with site.worker():
        for wish in (None, True, False):
            done = site.completion(site.submit("line.png", picture("one line"), options={"correct": wish}))
            found[wish] = (result_of(site, done).options.correct, done.result_id)
    assert found[None] == found[usual]
    assert (found[True][0], found[False][0]) == (True, False)
    assert found[True][1] != found[False][1]


def test_several_documents_in_one_record(site: Site) -> None:
    """A notification that names several objects settles each under its own index."""
    keys = ["several/ä 1.png", "several/2+2.png", "several/3%20.png"]
    for key in keys:
        site.put(key, picture(key))
    record = site.produce(notification(*keys))
    found = site.settled([unit_of(record, index) for index in range(3)])
    done = [found[unit_of(record, index)].completed for index in range(3)]
    assert [one.source.key for one in done if one is not None] == keys


def test_records_that_name_no_document_pass(site: Site, worker: Running) -> None:
    """A test event settles without a record, is counted, and the offsets move past everything."""
    before = worker.worker.runner.ignored["test_event"]
    test_event = {"Records": [{"eventName": "s3:TestEvent"}]}
    passed = site.produce(orjson.dumps(test_event), partition=0)
    site.until(lambda: site.committed(passed) > passed.offset)
    assert worker.worker.runner.ignored["test_event"] == before + 1
    assert unit_of(passed) not in {one.unit for one in site.terminals()}


def test_the_group_catches_up(site: Site) -> None:
    """Once everything is settled the lag is 0 on every topic that is read, the ends of transactions included."""
    site.completion(site.submit("last.png", picture("last")))
    site.until(lambda: site.caught_up)


def test_a_failure_that_passes_costs_an_attempt(site: Site) -> None:
    """A document that fails for now goes over the retry topic and is read there; `event` names the first record."""
    record = site.submit("once.png", picture("once", mark(Fault.ONCE, name="path")), reference="r")
    done = site.completion(record)
    assert (done.attempts, done.status, done.reference) == (2, "complete", "r")
    assert (done.event.topic, done.event.partition, done.event.offset) == unit_of(record)[:3]
    retried = [r for r in site.cluster.records(site.topics.retry[1]) if r.key == record.key]
    assert [(r.value, headers_of(r)["retry.attempt"]) for r in retried] == [(record.value, b"1")]
    assert "once" in (result_of(site, done).pages[0].text or "")


def test_one_of_several_documents_is_retried_alone(site: Site) -> None:
    """Only the index that failed is tried again, and it settles under the index of its first record."""
    site.put("alone/0.png", picture("zero"))
    site.put("alone/1.png", picture("one", mark(Fault.ONCE, name="alone")))
    record = site.produce(notification("alone/0.png", "alone/1.png"), key=b"alone")
    found = site.settled([unit_of(record, 0), unit_of(record, 1)])
    attempts = [one.completed.attempts for one in found.values() if one.completed is not None]
    assert sorted(attempts) == [1, 2]
    assert len([r for r in site.cluster.records(site.topics.retry[1]) if r.key == b"alone"]) == 1
    site.until(lambda: site.caught_up)
    assert len(site.settled(found)) == 2


def test_attempts_are_used_up(site: Site) -> None:
    """What fails at every attempt is dead in the end, with key, value and headers as they came and ours behind."""
    mine = (("their", b"header"), ("their", b"again"), traceparent(1))
    site.put("never.png", picture("never", mark(Fault.RETRYABLE)))
    record = site.produce(submitted("never.png"), key=b"\x00key", headers=mine)
    dead = site.outcome(record)
    assert dead.code == "fake_retryable"
    assert (dead.record.key, dead.record.value) == (record.key, record.value)
    assert dead.record.headers[:3] == mine
    ours = dict(dead.record.headers[3:])
    assert ours.keys() == DEAD_LETTER.keys()
    assert (ours["dlq.attempts"], ours["dlq.error.stage"]) == (b"3", b"detect")


def spans_of(exporter: InMemorySpanExporter, done: DocumentCompleted) -> dict[str, ReadableSpan]:
    """The spans of a document's trace, by name."""
    assert done.trace_id is not None
    trace = int(done.trace_id, 16)
    found: dict[str, ReadableSpan] = {}
    for span in exporter.get_finished_spans():
        if span.context is not None and span.context.trace_id == trace:
            assert span.name not in found
            found[span.name] = span
    return found


def spans_named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def parent_of(span: ReadableSpan) -> int:
    assert span.parent is not None
    return int(span.parent.span_id)


def ident(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def hexadecimal(span: ReadableSpan) -> str:
    return f"{ident(span):016x}"


@pytest.fixture(scope="module")
def traced(site: Site) -> Record:
    site.put("traced.tiff", pages(["a", "b"], ["c"]))
    return site.produce(submitted("traced.tiff"), headers=(traceparent(2), ("tracestate", b"vendor=1")))


@pytest.fixture(scope="module")
def spans(site: Site, exporter: InMemorySpanExporter, worker: Running, traced: Record) -> dict[str, ReadableSpan]:
    done = site.completion(traced)
    assert done.trace_id == f"{2:032x}"
    name = f"process {site.topics.documents}"
    worker.until(lambda _: name in spans_of(exporter, done))
    return spans_of(exporter, done)


def test_a_trace_has_a_span_for_each_step(site: Site, spans: dict[str, ReadableSpan]) -> None:
    """One trace a document: process, its stages, and a send for each topic written to."""
    topics = site.topics
    sends = {f"send {topics.pages}", f"send {topics.results}"}
    assert spans.keys() == {f"process {topics.documents}"} | STAGES | sends


def test_spans_hang_together(site: Site, spans: dict[str, ReadableSpan]) -> None:
    """Process is the producer's child, stages are children of process, sends are children of publish, all within."""
    process = spans[f"process {site.topics.documents}"]
    sends = [spans[f"send {topic}"] for topic in (site.topics.pages, site.topics.results)]
    assert (f"{parent_of(process):016x}", process.kind) == (PARENT, SpanKind.CONSUMER)
    assert {parent_of(spans[stage]) for stage in STAGES} == {ident(process)}
    assert {parent_of(send) for send in sends} == {ident(spans["publish"])}
    assert {send.kind for send in sends} == {SpanKind.PRODUCER}
    for span in spans.values():
        assert process.start_time is not None
        assert span.start_time is not None
        assert span.end_time is not None
        assert process.end_time is not None
        assert process.start_time <= span.start_time <= span.end_time <= process.end_time


def test_the_trace_goes_on_in_what_is_published(site: Site, traced: Record, spans: dict[str, ReadableSpan]) -> None:
    """Each record carries the context of the send span that wrote it, and the producer's trace state."""
    done = site.completion(traced)
    written = {site.topics.results: [site.outcome(traced).record]}
    written[site.topics.pages] = [record for record, _ in page_records(site, done)]
    for topic, records in written.items():
        for record in records:
            context = read_trace(record.headers)
            assert context is not None
            assert (context.trace_id, context.span_id) == (done.trace_id, hexadecimal(spans[f"send {topic}"]))
            assert context.tracestate == "vendor=1"


def test_batches_and_documents_are_linked_both_ways(
    site: Site, exporter: InMemorySpanExporter, spans: dict[str, ReadableSpan]
) -> None:
    """A stage's span links the batches it rode in, each a trace of its own that links the document's span."""
    process = ident(spans[f"process {site.topics.documents}"])
    batches = {ident(span): span for span in exporter.get_finished_spans() if span.name.startswith("batch ")}
    for stage in ("detect", "recognise"):
        linked = [batches[link.context.span_id] for link in spans[stage].links]
        assert linked
        assert {span.name for span in linked} == {f"batch {stage}"}
        assert all(process in {link.context.span_id for link in batch.links} for batch in linked)
        assert all(batch.parent is None for batch in linked)


def test_a_dead_letter_keeps_its_own_trace(site: Site, exporter: InMemorySpanExporter, worker: Running) -> None:
    """The original's context stays in a dead letter; one that had none gets that of our send span."""
    own, none = site.produce(b"no json", headers=(traceparent(3),)), site.produce(b"no json either")
    dead = [site.outcome(record).record for record in (own, none)]
    assert [header for header in dead[0].headers if header[0] == "traceparent"] == [traceparent(3)]
    context = read_trace(dead[1].headers)
    assert context is not None
    send = f"send {site.topics.dead_letter}"
    worker.until(lambda _: context.span_id in map(hexadecimal, spans_named(exporter, send)))


def test_no_personal_data_in_spans(exporter: InMemorySpanExporter, spans: dict[str, ReadableSpan]) -> None:
    """Neither keys nor text of any document of this module ever got into a span."""
    told = " ".join(f"{span.name} {dict(span.attributes or {})}" for span in exporter.get_finished_spans())
    assert spans["fetch"].name in told
    assert not [word for word in (".tiff", ".png", "first line", "crowd", "order 17") if word in told]


def test_a_large_page_lies_in_the_store() -> None:
    """A page over the record limit is written to the results bucket and its record says where; others stay records."""
    site = Site(kafka={"max_page_record_bytes": 1_200})
    with site.worker():
        done = site.completion(site.submit("large.tiff", pages(["short"], [f"line {n}" for n in range(12)])))
    (_, small), (record, large) = page_records(site, done)
    result = result_of(site, done)
    assert small == result.pages[0]
    assert large.content is not None
    assert len(record.value or b"") <= 1_200
    assert content(site, large.content) == encode(result.pages[1])
    assert (large.text, large.lines, large.number, large.status) == (None, None, 2, "ok")


def test_a_completion_says_where_its_time_went(site: Site, worker: Running) -> None:
    """Time in line and time in an engine are told apart for each stage, and nothing lasts longer than the whole."""
    timings = site.completion(site.submit("timed.tiff", pages(["one", "two"], ["three"]))).timings
    told = timings.model_dump()
    in_line, at_work = ("wait_s", "wait_recognise_s"), ("detect_s", "recognise_s")
    assert all(told[name] is not None for name in (*in_line, *at_work, "ocr_s", "total_s"))
    assert timings.total_s is not None
    assert timings.ocr_s is not None
    assert all(0 <= told[name] <= timings.ocr_s for name in in_line)
    assert timings.ocr_s <= timings.total_s
