"""The whole service in this process: the real loop, stages and engine, with topics in memory in place of a broker.

Used by the commands that read documents without any service. The loop has a thread of its own; everything here belongs
to the thread that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Thread
from types import TracebackType
from typing import Any, Self

from opentelemetry.sdk.trace import SpanProcessor

from connectors.memory_broker import MemoryBroker, MemoryCluster
from pipeline.app import Store, Worker, build_worker
from pipeline.core.events import Event
from pipeline.engines.base import Engine
from pipeline.errors import PagestreamError
from pipeline.settings import Settings, load_settings
from pipeline.telemetry.tracing import close
from pipeline.topics import Topics
from pipeline.workers.fetching import Reads
from pipeline.workers.storing import Writes
from schemas.codec import decode, encode
from schemas.events import DocumentSubmitted, Options
from schemas.failures import DeadLetter, read_dead_letter
from schemas.fields import SCHEMA_VERSION
from schemas.objects import ObjectInfo, ObjectRef
from schemas.record import Headers, Partition, Position, Record
from schemas.results import DocumentCompleted

DOCUMENTS, RESULTS = "documents", "results"
"""The two buckets."""

RETRY_DELAYS_S = (1, 2)
"""Somebody is waiting at a terminal, and what may pass here (memory, a decoder that died) passes soon."""

NO_BREAKER = 1_000_000_000
"""Failed documents that stop a worker. The breaker guards a topic; here every document was chosen by hand, and all of
them are to be tried."""

PAST_ALL = 1 << 62
"""An offset beyond any record of a topic in memory."""

MAX_RECORD_BYTES = 1 << 30
"""No page is too large for a topic in memory: none needs an object of its own."""

PROMPT_S = 0.05
WAIT_S = 0.5
JOIN_S = 90.0
"""More than the deadline of a page that is being decoded when we end."""

Outcome = DocumentCompleted | DeadLetter


@dataclass(frozen=True, slots=True)
class SplitStore:
    """One store to read documents from, another to write results to."""

    documents: Reads
    results: Writes

    def stat(self, ref: ObjectRef) -> ObjectInfo:
        return self.documents.stat(ref)

    def get(self, ref: ObjectRef, *, max_bytes: int, deadline_s: float) -> tuple[ObjectInfo, bytes]:
        return self.documents.get(ref, max_bytes=max_bytes, deadline_s=deadline_s)

    def put(self, bucket: str, key: str, body: bytes, *, content_type: str, deadline_s: float) -> object:
        return self.results.put(bucket, key, body, content_type=content_type, deadline_s=deadline_s)


@dataclass(frozen=True, slots=True)
class Settled:
    """A document's end. `offset` is that of the record which named it."""

    offset: int
    outcome: Outcome


class LocalWorker:
    """Give it events with `submit`, hear what became of them from `settled`. As a context it ends when left: at once
    after an exception, otherwise when all that was begun is done."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store,
        engines: Sequence[Engine],
        processors: Sequence[SpanProcessor] = (),
        watch: Callable[[Event], None] | None = None,
    ) -> None:
        self.cluster = MemoryCluster(max_record_bytes=MAX_RECORD_BYTES)
        self.topics = Topics.under(settings.kafka.topic_prefix, settings.flow.retry_delays_s)
        self._group = settings.kafka.group
        for topic in all_topics(self.topics):
            self.cluster.create_topic(topic)
        self._reader = MemoryBroker(self.cluster, "reader")
        self._reader.subscribe((self.topics.results, self.topics.dead_letter), _Unmoved())
        self._worker: Worker = build_worker(
            settings,
            broker=_PromptBroker(self.cluster, self._group),
            store=store,
            engines=engines,
            processors=processors,
            watch=watch,
        )
        self._ended: PagestreamError | BaseException | None = None
        self._thread = Thread(target=self._run, name="loop", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.runner.stop()
        if kind is not None:
            self._worker.runner.stop()
        self._thread.join(JOIN_S)
        self._reader.close()
        close(self._worker.provider)

    def submit(self, value: bytes, *, headers: Headers = ()) -> int:
        """Put an event on the documents topic. Returns its offset."""
        return self.cluster.produce(self.topics.documents, value, headers=headers).offset

    def settled(self, timeout_s: float) -> list[Settled]:
        """What has ended since the last call; waits up to `timeout_s` for the first. Raises what ended the worker."""
        records = self._reader.poll(100, timeout_s)
        if not records and not self._thread.is_alive() and self._ended is not None:
            raise self._ended
        return [_settled(record, self.topics) for record in records]

    def trim(self) -> None:
        """Forget the records that were heard or worked off, so that memory stays flat over any number of documents."""
        self.cluster.trim(Partition(self.topics.pages, 0), PAST_ALL)
        for topic in (self.topics.results, self.topics.dead_letter):
            self.cluster.trim(Partition(topic, 0), self._reader.position(Partition(topic, 0)) or 0)
        for partition, position in self.cluster.committed(self._group).items():
            self.cluster.trim(partition, position.offset)

    def _run(self) -> None:
        try:
            self._ended = self._worker.runner.run()
        except BaseException as error:  # a defect of ours: told on the thread that waits
            self._ended = error


def outcomes(worker: LocalWorker, keys: Iterable[str], options: Options, *, most: int) -> Iterator[tuple[str, Outcome]]:
    """Each key with its outcome, as they come. At most `most` documents are under way, however many there are."""
    waiting = iter(keys)
    under_way: dict[int, str] = {}
    while True:
        while len(under_way) < most and (key := next(waiting, None)) is not None:
            event = DocumentSubmitted(schema_version=SCHEMA_VERSION, bucket=DOCUMENTS, key=key, options=options)
            under_way[worker.submit(encode(event))] = key
        if not under_way:
            return
        for settled in worker.settled(WAIT_S):
            yield under_way.pop(settled.offset), settled.outcome
        worker.trim()


def local_settings(**overrides: Any) -> Settings:
    """The settings of the service, less what belongs to its topics and buckets; `overrides` by section."""
    ours: dict[str, dict[str, Any]] = {
        "kafka": {
            "topic_prefix": "pagestream",
            "max_event_bytes": MAX_RECORD_BYTES // 2,
            "max_page_record_bytes": MAX_RECORD_BYTES // 2,
        },
        "store": {
            "input_buckets": {DOCUMENTS},
            "prefixes": (),
            "suffixes": (),
            "results_bucket": RESULTS,
            "results_prefix": "",
        },
        "flow": {
            "retry_delays_s": RETRY_DELAYS_S,
            "breaker_run": NO_BREAKER,
            "breaker_window": NO_BREAKER,
            "breaker_ratio": 1.0,
            "memory_ceiling_mb": None,  # nobody would start us again
        },
    }
    sections = {name: ours.get(name, {}) | overrides.get(name, {}) for name in ours.keys() | overrides.keys()}
    return load_settings(**sections)


def all_topics(topics: Topics) -> tuple[str, ...]:
    return topics.documents, topics.pages, topics.results, topics.dead_letter, *topics.retry.values()


class _PromptBroker(MemoryBroker):
    """Nothing is saved by waiting long on topics in memory, and a wish to stop is heard between two polls only."""

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        return super().poll(max_records, min(timeout_s, PROMPT_S))


class _Unmoved:
    """What a reader makes of rebalances: nothing."""

    def assigned(self, positions: Mapping[Partition, Position]) -> None: ...

    def revoked(self, partitions: Collection[Partition]) -> None: ...

    def lost(self, partitions: Collection[Partition]) -> None: ...


def _settled(record: Record, topics: Topics) -> Settled:
    if record.partition.topic == topics.results:
        completed = decode(DocumentCompleted, record.value or b"")
        return Settled(completed.event.offset, completed)
    letter = read_dead_letter(record.headers)
    assert letter is not None
    return Settled(letter.origin.offset, letter)
