"""Settled documents onto their topics, a round at a time, each with the trace it belongs to.

Runs on the loop's own thread: the broker is that thread's alone. One transaction takes milliseconds, and the engines
have their next batches already.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Protocol, cast

from opentelemetry.trace import Span, SpanKind, Tracer, set_span_in_context

from pipeline.clock import Clock
from pipeline.core.events import Dead, Event, Outcome, Publish, Published, PublishFailed, Read, Retry, Unit
from pipeline.errors import PagestreamError
from pipeline.telemetry.journey import Journey, Journeys, fail, nanoseconds
from pipeline.telemetry.tracing import carry, carry_on, trace_id
from pipeline.topics import Topics
from pipeline.workers.storing import Written
from schemas.cloudevents import completed_headers, page_headers
from schemas.codec import encode
from schemas.failures import RETRY, dead_letter_headers, original_headers, retry_headers
from schemas.ids import document_id
from schemas.record import Headers, OutRecord, Partition, Position, Record

log = logging.getLogger(__name__)


class Transacts(Protocol):
    def publish(self, records: Sequence[OutRecord], positions: Mapping[Partition, Position]) -> None: ...


class Publisher:
    def __init__(
        self, broker: Transacts, topics: Topics, *, source: str, tracer: Tracer, journeys: Journeys, clock: Clock
    ) -> None:
        self._broker = broker
        self._topics = topics
        self._source = source
        self._tracer = tracer
        self._journeys = journeys
        self._clock = clock

    def publish(self, command: Publish) -> Event:
        started = self._clock()
        records: list[OutRecord] = []
        spans: list[Span] = []
        for outcome in command.outcomes:
            journey = self._journeys.get(outcome.unit.id)
            if journey is None:
                raise RuntimeError("A document is published whose journey has ended. This is a bug.")
            for span, some in self._records(outcome, journey, started):
                spans.append(span)
                records += some
        with ExitStack() as ending:
            ending.callback(lambda: [span.end(nanoseconds(self._clock())) for span in reversed(spans)])
            try:
                self._broker.publish(records, command.positions)
            except PagestreamError as error:
                log.warning("a round of %d documents was not published: %s", len(command.outcomes), error.code)
                for span in spans:
                    fail(span, error)
                return PublishFailed(command.round, error)
        for outcome in command.outcomes:
            self._end(outcome)
        return Published(command.round)

    def _records(
        self, outcome: Outcome, journey: Journey, started: float
    ) -> Iterator[tuple[Span, Sequence[OutRecord]]]:
        """The `publish` span of a document, and under it a `send` span a topic with what goes there."""
        publish = self._tracer.start_span("publish", context=journey.context, start_time=nanoseconds(started))
        yield publish, ()
        match outcome:
            case Read(records=written):
                yield from self._result(cast(Written, written), publish, started)
            case Dead(error=error):
                send = self._send(self._topics.dead_letter, 1, publish, started)
                yield send, [self._dead(outcome, error, journey, send)]
            case Retry(delay_s=delay):
                send = self._send(self._topics.retry[delay], 1, publish, started)
                yield send, [self._retry(outcome, send)]

    def _result(self, written: Written, publish: Span, started: float) -> Iterator[tuple[Span, Sequence[OutRecord]]]:
        key = written.completed.document_id.encode()
        time = datetime.fromtimestamp(started, UTC)
        pages = self._send(self._topics.pages, len(written.pages), publish, started)
        yield (
            pages,
            [
                OutRecord(
                    self._topics.pages,
                    key,
                    record.body,
                    carry(page_headers(record.page, source=self._source, time=time), pages),
                )
                for record in written.pages
            ],
        )
        result = self._send(self._topics.results, 1, publish, started)
        headers = completed_headers(written.completed, source=self._source, time=time)
        yield result, [OutRecord(self._topics.results, key, encode(written.completed), carry(headers, result))]

    def _dead(self, outcome: Dead, error: PagestreamError, journey: Journey, send: Span) -> OutRecord:
        record = outcome.unit.record
        headers = dead_letter_headers(
            self._original(record),
            outcome.unit.origin,
            code=error.code,
            stage=error.stage,
            message=error.message,
            attempts=outcome.attempts,
            document_id=journey.document_id or _named(outcome.unit),
        )
        return OutRecord(self._topics.dead_letter, record.key, record.value, carry_on(headers, send))

    def _retry(self, outcome: Retry, send: Span) -> OutRecord:
        record = outcome.unit.record
        headers = retry_headers(
            self._original(record),
            outcome.unit.origin,
            attempt=outcome.unit.attempt,
            not_before_ms=int(outcome.not_before * 1000),
            code=outcome.error.code,
        )
        return OutRecord(self._topics.retry[outcome.delay_s], record.key, record.value, carry_on(headers, send))

    def _original(self, record: Record) -> Headers:
        """The headers of the first record: what a retry topic added is taken off again, and nothing else."""
        retried = record.partition.topic in self._topics.retry.values()
        return original_headers(record.headers, RETRY) if retried else record.headers

    def _send(self, topic: str, count: int, publish: Span, started: float) -> Span:
        return self._tracer.start_span(
            f"send {topic}",
            context=set_span_in_context(publish),
            kind=SpanKind.PRODUCER,
            start_time=nanoseconds(started),
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
                "messaging.destination.name": topic,
                "messaging.batch.message_count": count,
            },
        )

    def _end(self, outcome: Outcome) -> None:
        journey = self._journeys.end(outcome.unit.id)
        if journey is None:
            return
        self._journeys.draw_stages(journey)
        match outcome:
            case Read(pages=pages, records=written):
                ended: str = cast(Written, written).completed.status
                journey.span.set_attribute("pagestream.pages", len(pages))
            case Dead(error=error):
                ended = "dead"
                fail(journey.span, error)
            case Retry(error=error):
                ended = "retry"
                fail(journey.span, error)
        journey.span.set_attribute("pagestream.outcome", ended)
        journey.span.end(nanoseconds(self._clock()))
        _tell(outcome, journey, ended)


def _tell(outcome: Outcome, journey: Journey, ended: str) -> None:
    """One line a document, with what is needed to find its record, its result and its trace."""
    origin = outcome.unit.origin
    log.info(
        "%s %s/%d/%d/%d document=%s trace=%s attempt=%d%s",
        ended,
        origin.topic,
        origin.partition,
        origin.offset,
        origin.index,
        journey.document_id or "unknown",
        trace_id(journey.span),
        outcome.unit.attempt,
        "" if isinstance(outcome, Read) else f" code={outcome.error.code}",
    )


def _named(unit: Unit) -> str | None:
    """The id of a document that was never fetched, where its event says enough."""
    event = unit.event
    if event is None or (event.version_id is None and event.etag is None):
        return None
    return document_id(event.bucket, event.key, version_id=event.version_id, etag=event.etag)
