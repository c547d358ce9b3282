"""Read documents into the results bucket: the full result, and the pages too large for a record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from pipeline.clock import Clock
from pipeline.core.events import STAGES, Event, Read, Stored, StoreFailed
from pipeline.stages.compose import compose_document
from pipeline.telemetry.journey import WAITS, Journey, Journeys
from pipeline.telemetry.tracing import trace_id
from pipeline.workers.inbox import Inbox, answer
from pipeline.workers.pool import Pool
from schemas.codec import encode
from schemas.ids import result_id
from schemas.pages import ContentRef, PageResult
from schemas.results import DocumentCompleted, DocumentResult, EventRef, PagesByStatus, Pipeline, Timings

JSON = "application/json"


class Writes(Protocol):
    def put(self, bucket: str, key: str, body: bytes, *, content_type: str, deadline_s: float) -> object: ...


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where results go, and above what size in bytes a page is written there instead of into its record."""

    bucket: str
    prefix: str
    max_record_bytes: int
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an option takes where the event gives none."""

    dpi: int
    tables: bool
    correct: bool


@dataclass(frozen=True, slots=True)
class PageRecord:
    """A page and the bytes of its record: encoded here, so that the loop need not."""

    page: PageResult
    body: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """What is left to publish of a stored document."""

    pages: tuple[PageRecord, ...]
    completed: DocumentCompleted


class Storer:
    def __init__(
        self,
        store: Writes,
        place: StorePlace,
        *,
        by: Pipeline,
        defaults: Defaults,
        threads: int,
        inbox: Inbox,
        journeys: Journeys,
        clock: Clock,
    ) -> None:
        self._store = store
        self._place = place
        self._by = by
        self._defaults = defaults
        self._inbox = inbox
        self._journeys = journeys
        self._clock = clock
        self._pool = Pool(threads, name="store")

    def store(self, outcome: Read) -> None:
        unit = outcome.unit.id
        self._pool.submit(
            lambda: answer(self._inbox, lambda: self._write(outcome), lambda error: StoreFailed(unit, error), "store")
        )

    def close(self) -> None:
        self._pool.close()

    def _write(self, outcome: Read) -> Event:
        journey = self._journeys.get(outcome.unit.id)
        if journey is None:  # given up meanwhile; the core drops the answer
            return Stored(outcome.unit.id, None)
        started = self._clock()
        document = self._compose(outcome, journey)
        folder = f"{self._place.prefix}{document.document_id}/{document.result_id}"
        pages = tuple(self._page(page, folder) for page in document.pages)
        result = self._put(f"{folder}.json", encode(document))
        self._journeys.worked(outcome.unit.id, "store", started, self._clock())
        return Stored(outcome.unit.id, Written(pages, self._completed(document, result, journey)))

    def _compose(self, outcome: Read, journey: Journey) -> DocumentResult:
        event = outcome.unit.event
        assert event is not None
        assert journey.source is not None
        assert journey.document_id is not None
        usual = self._defaults
        options = event.options.effective(dpi=usual.dpi, tables=usual.tables, correct=usual.correct)
        return compose_document(
            outcome.pages,
            document_id=journey.document_id,
            result_id=result_id(journey.document_id, options, self._by.fingerprint),
            source=journey.source,
            options=options,
            by=self._by,
        )

    def _page(self, page: PageResult, folder: str) -> PageRecord:
        """The page as it goes into its record: itself, or a claim check where it is too large."""
        body = encode(page)
        if len(body) <= self._place.max_record_bytes:
            return PageRecord(page, body)
        claim = page.claim_check(self._put(f"{folder}/page-{page.number:05}.json", body))
        return PageRecord(claim, encode(claim))

    def _put(self, key: str, body: bytes) -> ContentRef:
        place = self._place
        self._store.put(place.bucket, key, body, content_type=JSON, deadline_s=place.deadline_s)
        return ContentRef(bucket=place.bucket, key=key, size=len(body), sha256=hashlib.sha256(body).hexdigest())

    def _completed(self, document: DocumentResult, result: ContentRef, journey: Journey) -> DocumentCompleted:
        unit = journey.unit
        assert unit.event is not None
        origin = unit.origin
        return DocumentCompleted(
            document_id=document.document_id,
            result_id=document.result_id,
            reference=unit.event.reference,
            status=document.status,
            source=document.source,
            event=EventRef.at(
                origin.topic,
                origin.partition,
                offset=origin.offset,
                index=origin.index,
                timestamp_ms=origin.timestamp_ms,
            ),
            metadata=unit.event.metadata,
            page_count=document.page_count,
            pages_by_status=PagesByStatus.of(document.pages),
            result=result,
            pipeline=document.pipeline,
            timings=_timings(journey, self._clock()),
            attempts=unit.attempt,
            trace_id=trace_id(journey.span),
        )


def _timings(journey: Journey, now: float) -> Timings:
    stretches = journey.stretches
    busy = {f"{name}_s": stretch.busy_s for name, stretch in stretches.items() if not name.startswith("wait")}
    queue = {name: stretches[name].end_s - stretches[name].start_s for name in WAITS.values() if name in stretches}
    read = [stretches[name] for name in ("wait", *STAGES) if name in stretches]
    sent_ms = journey.unit.origin.timestamp_ms
    return Timings(
        **busy,
        wait_s=queue.get(WAITS["detect"]),
        wait_recognise_s=queue.get(WAITS["recognise"]),
        wait_tables_s=queue.get(WAITS["tables"]),
        ocr_s=max(s.end_s for s in read) - min(s.start_s for s in read) if read else None,
        queued_s=max(journey.received_s - sent_ms / 1000, 0.0) if sent_ms is not None else None,
        total_s=now - journey.received_s,
    )
