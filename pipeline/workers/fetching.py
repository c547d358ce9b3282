"""Objects out of the store, on a few threads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from pipeline.clock import Clock
from pipeline.core.events import Event, Fetched, FetchFailed, Unit
from pipeline.telemetry.journey import Journeys
from pipeline.workers.inbox import Inbox, answer
from pipeline.workers.pool import Pool
from schemas.ids import document_id
from schemas.objects import ObjectInfo, ObjectRef
from schemas.results import Source


class Reads(Protocol):
    def stat(self, ref: ObjectRef) -> ObjectInfo: ...

    def get(self, ref: ObjectRef, *, max_bytes: int, deadline_s: float) -> tuple[ObjectInfo, bytes]: ...


@dataclass(frozen=True, slots=True)
class FetchLimits:
    max_bytes: int
    deadline_s: float


class Fetcher:
    def __init__(
        self, store: Reads, limits: FetchLimits, *, threads: int, inbox: Inbox, journeys: Journeys, clock: Clock
    ) -> None:
        self._store = store
        self._limits = limits
        self._inbox = inbox
        self._journeys = journeys
        self._clock = clock
        self._pool = Pool(threads, name="fetch")

    def fetch(self, unit: Unit) -> None:
        self._pool.submit(
            lambda: answer(self._inbox, lambda: self._fetch(unit), lambda error: FetchFailed(unit.id, error), "fetch")
        )

    def close(self) -> None:
        self._pool.close()

    def _fetch(self, unit: Unit) -> Event:
        started = self._clock()
        try:
            info, body = self._read(unit)
        finally:
            self._journeys.worked(unit.id, "fetch", started, self._clock())
        source = Source(
            bucket=info.bucket,
            key=info.key,
            version_id=info.version_id,
            etag=info.etag,
            size=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            content_type=info.content_type,
        )
        ident = document_id(info.bucket, info.key, version_id=info.version_id, etag=info.etag)
        self._journeys.fetched(unit.id, source, ident)
        return Fetched(unit.id, body)

    def _read(self, unit: Unit) -> tuple[ObjectInfo, bytes]:
        """With neither version nor etag in the event, ask first: what is read must have a name that stays."""
        event = unit.event
        assert event is not None
        ref = ObjectRef(event.bucket, event.key, event.version_id, event.etag)
        if ref.version_id is None and ref.etag is None:
            info = self._store.stat(ref)
            ref = ObjectRef(ref.bucket, ref.key, info.version_id, info.etag)
        return self._store.get(ref, max_bytes=self._limits.max_bytes, deadline_s=self._limits.deadline_s)
