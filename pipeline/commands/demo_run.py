"""The run behind `pagestream demo`: sample events in, records, results and spans out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from connectors.directory_store import DirectoryStore
from pipeline.app import VERSION, load_engines
from pipeline.commands.exits import complain
from pipeline.commands.output import write_whole
from pipeline.commands.progress import Meter
from pipeline.commands.views import Views
from pipeline.errors import Environment
from pipeline.local_worker import DOCUMENTS, RESULTS, LocalWorker, Outcome, local_settings
from pipeline.render.records import json_lines
from pipeline.samples.events import SampleEvent, sample_events
from pipeline.telemetry.tracing import carry, tracer_provider
from schemas.codec import decode
from schemas.objects import ObjectRef
from schemas.record import Headers
from schemas.results import DocumentCompleted, DocumentResult

WAIT_S = 0.5
DEADLINE_S = 300.0
"""For all five documents: a hundred times what they take."""


@dataclass(frozen=True, slots=True)
class Ended:
    """An event and what became of it; `result` where it was read."""

    event: SampleEvent
    offset: int
    outcome: Outcome
    result: DocumentResult | None


@dataclass(frozen=True, slots=True)
class Played:
    """`views`: where each document that was read can be looked at."""

    ended: tuple[Ended, ...]
    views: tuple[Path, ...]
    spans: Sequence[ReadableSpan]
    seconds: float


def play(out: Path) -> Played:
    """Put the samples into `<out>/documents`, read them, write the records to `<out>/records`, views to `<out>/pages`.

    Raises Fatal when models are missing, Environment when the folder can't be written or nothing comes of it in time.
    """
    settings = local_settings()
    engines = load_engines(settings)
    events = sample_events(DOCUMENTS)
    store = _filled_store(out, events)
    exporter = InMemorySpanExporter()
    meter, began = Meter(complain, len(events)), time.monotonic()
    processors = [SimpleSpanProcessor(exporter)]
    with meter, LocalWorker(settings, store=store, engines=engines, processors=processors, watch=meter.watch) as worker:
        sent = {worker.submit(event.value, headers=_headers(event, exporter)): event for event in events}
        outcomes = _outcomes(worker, len(sent), meter)
        seconds = time.monotonic() - began
        for topic in (worker.topics.pages, worker.topics.results, worker.topics.dead_letter):
            write_whole(out / "records" / f"{topic}.jsonl", json_lines(worker.cluster.records(topic)))
    ended = tuple(Ended(event, at, outcomes[at], _result(store, outcomes[at])) for at, event in sent.items())
    with Views(store, settings) as views:
        shown = tuple(_views(views, ended, out / "pages"))
    return Played(ended, shown, exporter.get_finished_spans(), seconds)


def _filled_store(out: Path, events: Sequence[SampleEvent]) -> DirectoryStore:
    store = DirectoryStore(out)
    try:
        for bucket in (DOCUMENTS, RESULTS):
            store.create_bucket(bucket)
    except OSError as error:
        raise Environment(
            "The --out folder can't be written; choose another.", code="out_unwritable", stage="store"
        ) from error
    for sample in (event.sample for event in events if event.sample is not None):
        store.put(DOCUMENTS, sample.key, sample.body, content_type=sample.content_type, deadline_s=1.0)
    return store


def _headers(event: SampleEvent, exporter: InMemorySpanExporter) -> Headers:
    """The sender's span, as its own service would trace it, and in the headers what it sends along."""
    if event.sender is None:
        return ()
    provider = tracer_provider(event.sender, version=VERSION, endpoint=None, processors=[SimpleSpanProcessor(exporter)])
    with provider.get_tracer("demo").start_as_current_span("send pagestream.documents", kind=SpanKind.PRODUCER) as span:
        return carry((), span)


def _outcomes(worker: LocalWorker, count: int, meter: Meter) -> dict[int, Outcome]:
    """By the offset of the event."""
    outcomes: dict[int, Outcome] = {}
    until = time.monotonic() + DEADLINE_S
    while len(outcomes) < count:
        if time.monotonic() > until:
            raise Environment("The samples took too long; see the log.", code="demo_timeout", stage="process")
        for settled in worker.settled(WAIT_S):
            outcomes[settled.offset] = settled.outcome
            meter.settled()
    return outcomes


def _views(views: Views, ended: Sequence[Ended], folder: Path) -> Iterator[Path]:
    for result in (one.result for one in ended if one.result is not None):
        place = folder / f"{Path(result.source.key).stem}.html"
        views.write(place, result, title=result.source.key)
        yield place


def _result(store: DirectoryStore, outcome: Outcome) -> DocumentResult | None:
    if not isinstance(outcome, DocumentCompleted):
        return None
    place = outcome.result
    _, body = store.get(ObjectRef(place.bucket, place.key), max_bytes=place.size, deadline_s=1.0)
    return decode(DocumentResult, body)
