"""What is known of the documents under way besides the core's decisions: their traces, times and objects.

Worker threads add to a journey while the loop owns its beginning and end, hence the lock. A journey that ended is
simply no longer found: late answers about it are nobody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from pipeline.core.events import Stage, Unit, UnitId
from pipeline.errors import PagestreamError
from pipeline.telemetry.tracing import context_of
from schemas.results import Source

WAITS: dict[Stage, str] = {"detect": "wait", "recognise": "wait recognise", "tables": "wait tables"}
"""Span of the time between being ready for a stage and being taken by a lane."""

MAX_LINKS = 64
"""Batch spans linked from one document's stage span; the SDK's own limit is 128 links a span."""


@dataclass(slots=True)
class Stretch:
    """From the first to the last moment of a stage, in seconds since the epoch, and the time spent working."""

    start_s: float = 0.0
    end_s: float = 0.0
    busy_s: float = 0.0
    batches: list[Link] = field(default_factory=list)

    def add(self, start_s: float, end_s: float, batch: Link | None = None) -> None:
        self.start_s = min(self.start_s, start_s) if self.end_s else start_s
        self.end_s = max(self.end_s, end_s)
        self.busy_s += end_s - start_s
        if batch is not None and len(self.batches) < MAX_LINKS:
            self.batches.append(batch)


@dataclass(slots=True)
class Journey:
    """One document under way. `stretches` by the name of their span."""

    unit: Unit
    span: Span
    context: Context
    received_s: float
    source: Source | None = None
    document_id: str | None = None
    stretches: dict[str, Stretch] = field(default_factory=dict)

    def stretch(self, name: str) -> Stretch:
        return self.stretches.setdefault(name, Stretch())


class Journeys:
    def __init__(self, tracer: Tracer, *, group: str) -> None:
        self._tracer = tracer
        self._group = group
        self._journeys: dict[UnitId, Journey] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._journeys)

    def begin(self, unit: Unit, now: float) -> None:
        topic = unit.record.partition.topic
        parent = context_of(unit.record.headers)
        span = self._tracer.start_span(
            f"process {topic}",
            context=parent if parent is not None else Context(),
            kind=SpanKind.CONSUMER,
            start_time=nanoseconds(now),
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": topic,
                "messaging.destination.partition.id": str(unit.record.partition.number),
                "messaging.kafka.offset": unit.record.offset,
                "messaging.consumer.group.name": self._group,
                "pagestream.index": unit.origin.index,
                "pagestream.attempt": unit.attempt,
            },
        )
        with self._lock:
            self._journeys[unit.id] = Journey(unit, span, set_span_in_context(span, Context()), now)

    def get(self, unit: UnitId) -> Journey | None:
        with self._lock:
            return self._journeys.get(unit)

    def end(self, unit: UnitId) -> Journey | None:
        with self._lock:
            return self._journeys.pop(unit, None)

    def give_up(self, unit: UnitId, now: float) -> None:
        """The document is somebody else's now, or nobody's."""
        journey = self.end(unit)
        if journey is not None:
            journey.span.set_attribute("pagestream.outcome", "given_up")
            journey.span.end(nanoseconds(now))

    def worked(self, unit: UnitId, name: str, start_s: float, end_s: float, batch: Link | None = None) -> None:
        """A part of a stage was done for this document."""
        with self._lock:
            journey = self._journeys.get(unit)
            if journey is not None:
                journey.stretch(name).add(start_s, end_s, batch)

    def fetched(self, unit: UnitId, source: Source, document_id: str) -> None:
        with self._lock:
            journey = self._journeys.get(unit)
            if journey is not None:
                journey.source, journey.document_id = source, document_id

    @contextmanager
    def batch(self, stage: Stage, units: list[UnitId], closed: str, start_s: float) -> Iterator[tuple[Span, Link]]:
        """The span of one batch: a trace of its own, linked with the documents that share it."""
        with self._lock:
            known = [journey for unit in dict.fromkeys(units) if (journey := self._journeys.get(unit)) is not None]
        span = self._tracer.start_span(
            f"batch {stage}",
            context=Context(),
            kind=SpanKind.INTERNAL,
            links=[Link(journey.span.get_span_context()) for journey in known[:MAX_LINKS]],
            start_time=nanoseconds(start_s),
            attributes={"pagestream.batch.size": len(units), "pagestream.batch.closed": closed},
        )
        yield span, Link(span.get_span_context())

    def draw_stages(self, journey: Journey) -> None:
        """One span a stage, from what was recorded: as children of the document's span."""
        for name, stretch in journey.stretches.items():
            span = self._tracer.start_span(
                name,
                context=journey.context,
                start_time=nanoseconds(stretch.start_s),
                links=stretch.batches,
                attributes={"pagestream.busy_s": round(stretch.busy_s, 6)},
            )
            span.end(nanoseconds(stretch.end_s))
        journey.stretches.clear()


def nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)


def fail(span: Span, error: PagestreamError) -> None:
    """Mark a span as failed. Messages of the error tree hold neither text, keys nor secrets."""
    span.set_attribute("error.type", error.code)
    span.set_status(Status(StatusCode.ERROR, error.message))
