"""What is drawn for a person's eye: traces as trees, records as JSON."""

from __future__ import annotations

import orjson
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, set_span_in_context

from pipeline.render.records import json_lines
from pipeline.render.trace import trace_rows
from schemas.record import Partition, Record


def test_a_trace_is_a_tree_in_the_order_of_time():
    """Children stand below their parent by their start, times count from the root's, other traces stay out."""
    exporter, tracer = _tracing()
    root = tracer.start_span("root", start_time=5_000_000)
    under = set_span_in_context(root)
    for name, start in (("late", 9_000_000), ("early", 6_000_000)):
        tracer.start_span(name, context=under, start_time=start).end(start + 500_000)
    tracer.start_span("stranger", context=Context(), start_time=1).end(2)
    root.end(10_000_000)
    rows = trace_rows(exporter.get_finished_spans(), f"{root.get_span_context().trace_id:032x}")
    assert [(row.branch, row.name.rpartition(": ")[2], row.start_ms, row.took_ms) for row in rows] == [
        ("", "root", 0.0, 5.0),
        ("├─ ", "early", 1.0, 0.5),
        ("└─ ", "late", 4.0, 0.5),
    ]


def test_linked_batches_are_shown_and_not_without_end():
    """Of five linked batches the first three are shown, and how many more there are; a failed span shows its code."""
    exporter, tracer = _tracing()
    batches = [tracer.start_span(f"batch {n}", context=Context(), start_time=n) for n in (5, 4, 3, 2, 1)]
    links = [Link(batch.get_span_context()) for batch in batches]
    root = tracer.start_span("root", context=Context(), links=links, attributes={"error.type": "broken"}, start_time=1)
    for span in (root, *batches):
        span.end(9)
    rows = trace_rows(exporter.get_finished_spans(), f"{root.get_span_context().trace_id:032x}")
    assert rows[0].name.endswith("root [broken]")
    assert [row.name.partition(":")[0] for row in rows[1:4]] == ["~ batch 1", "~ batch 2", "~ batch 3"]
    assert (rows[4].branch, rows[4].name) == ("└─ ", "~ and 2 batches more")


def test_an_unknown_trace_draws_nothing():
    """No spans, no rows."""
    assert trace_rows([], "0" * 32) == []


def test_records_are_shown_one_a_line():
    """JSON values as they are, others as text, a tombstone as null."""
    place = Partition("topic", 3)
    records = [
        Record(place, 7, b"key", b'{"a":[1]}', (("name", b"\xff!"),), 12),
        Record(place, 8, None, b"no json"),
        Record(place, 9, None, None),
    ]
    first, second, third = (orjson.loads(line) for line in json_lines(records).splitlines())
    assert (first["value"], first["key"], first["headers"], first["offset"]) == ({"a": [1]}, "key", {"name": "�!"}, 7)
    assert (second["value"], third["value"], third["key"]) == ("no json", None, None)


def _tracing():
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter, provider.get_tracer("test")
