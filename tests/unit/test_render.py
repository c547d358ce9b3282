"""What is drawn for a person's eye: traces as trees, pages with their lines, records as JSON."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, set_span_in_context

from pipeline.render.page import confidence_colour, draw_page
from pipeline.render.records import json_lines
from pipeline.render.trace import trace_rows
from schemas.pages import PageResult, TextLine
from schemas.record import Partition, Record

IDENT = "3b99b029-3b2d-5f80-8b76-a29145141c7e"


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


def test_colours_go_from_red_to_green():
    """The more confident, the less red and the more green, and never outside the scale."""
    colours = [confidence_colour(score) for score in (0.0, 0.75, 0.85, 0.95, 1.0)]
    assert colours[0] == colours[1]
    assert [red for red, *_ in colours] == sorted((red for red, *_ in colours), reverse=True)
    assert colours[-1][1] > colours[-1][0] < colours[0][0]


@pytest.mark.parametrize("count", [0, 1, 90])
def test_outlines_lie_where_the_lines_are(count):
    """The page is scaled to one height; its blank part stays as it was, and an outline is where a line's polygon is."""
    lines = tuple(_line(number) for number in range(count))
    page = PageResult(
        document_id=IDENT, result_id=IDENT, number=1, status="ok" if count else "empty", width=400, height=700,
        lines=lines,
    )  # fmt: skip
    picture = np.asarray(draw_page(np.full((700, 400, 3), 255, np.uint8), page, title="page"))
    assert picture.shape[0] == 1400
    assert (picture[:, 600:790] == 255).all()
    drawn = (picture[:, 200:560] != 255).any(axis=2).any(axis=1)
    assert drawn.any() == bool(count)
    if count == 1:
        assert np.flatnonzero(drawn)[[0, -1]] == pytest.approx([200, 220], abs=4)


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


def _line(number: int) -> TextLine:
    top = 100.0 + 5 * number
    polygon = ((100.0, top), (280.0, top), (280.0, top + 10), (100.0, top + 10))
    return TextLine(id=f"l{number}", text="words " * 40, confidence=0.9, polygon=polygon, bbox=(0.1, 0.1, 0.2, 0.2))
