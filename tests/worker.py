"""A whole worker in this process, its cluster and its store in memory, and what becomes of what it is sent.

A `Site` outlives the workers on it, as a cluster and a store do. The engine is the fake one: pages are drawn as bars.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Condition, Thread
from threading import Event as Gate
from typing import Any, Literal, cast
from urllib.parse import quote_plus

import cv2
import orjson
from opentelemetry.sdk.trace import SpanProcessor
from PIL import Image

from connectors.memory_broker import MemoryBroker, MemoryCluster
from connectors.memory_store import MemoryStore
from pipeline.app import Worker, build_worker, load_engines
from pipeline.clock import steady_clock
from pipeline.core.events import Event, MemorySeen, Tick
from pipeline.engines.fake import FakeEngine, Fault, Table, draw_page
from pipeline.errors import PagestreamError
from pipeline.settings import Settings, load_settings
from pipeline.telemetry.memory import Memory
from pipeline.telemetry.readiness import Readiness
from pipeline.workers.publishing import Topics
from schemas.codec import decode
from schemas.failures import read_dead_letter
from schemas.objects import ObjectRef
from schemas.record import Headers, OutRecord, Partition, Position, Record
from schemas.results import DocumentCompleted
from tests.documents import make_image, make_tiff

PATIENCE_S = 30.0
EVENT_BYTES = 1_048_576
MARGIN_BYTES = 65_536
"""Retry and dead-letter topics take this much more than the input's."""

BUCKETS = ("documents", "results")

UnitName = tuple[str, int, int, int]
"""(topic, partition, offset, index) of a first record: what is settled once."""


def picture(*lines: str | Table) -> bytes:
    """A PNG with these lines."""
    return bytes(cv2.imencode(".png", draw_page(lines))[1])


def pages(*texts: Sequence[str]) -> bytes:
    """A TIFF with one page for each list of lines."""
    return make_tiff([_image(lines) for lines in texts], compression="tiff_lzw")


def jpeg(*lines: str) -> bytes:
    return make_image(_image(lines), "JPEG", quality=95)


def submitted(key: str, *, bucket: str = "documents", **fields: Any) -> bytes:
    return orjson.dumps({"schema_version": "1.0", "bucket": bucket, "key": key, **fields})


def notification(*keys: str, bucket: str = "documents") -> bytes:
    """What a store says of several new objects at once."""
    return orjson.dumps({"EventName": "s3:ObjectCreated:Put", "Records": [_created(bucket, key) for key in keys]})


def _created(bucket: str, key: str) -> dict[str, Any]:
    return {"eventName": "s3:ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}}}


def _image(lines: Sequence[str]) -> Image.Image:
    return Image.fromarray(draw_page(lines)[:, :, ::-1].copy())


def unit_of(record: Record, index: int = 0) -> UnitName:
    return record.partition.topic, record.partition.number, record.offset, index


@dataclass(frozen=True, slots=True)
class Terminal:
    """How a document ended. `code` is the status of a completion, or the code of a dead letter."""

    unit: UnitName
    code: str
    record: Record
    completed: DocumentCompleted | None


def terminal(record: Record) -> Terminal:
    """What a record of the results or dead-letter topic says."""
    letter = read_dead_letter(record.headers)
    if letter is not None:
        at = letter.origin
        return Terminal((at.topic, at.partition, at.offset, at.index), letter.code, record, None)
    assert record.value is not None
    done = decode(DocumentCompleted, record.value)
    event = done.event
    return Terminal((event.topic, event.partition, event.offset, event.index), done.status, record, done)


class Killed(BaseException):
    """What a worker's thread ends with when it is killed: nothing that catches errors catches it."""


class MortalBroker(MemoryBroker):
    """A member that can die: from then on nothing of it reaches the cluster. `doom` makes it die at a publish."""

    def __init__(self, cluster: MemoryCluster, group: str) -> None:
        super().__init__(cluster, group)
        self.dead = False
        self.doom: Literal["before_commit", "after_commit"] | None = None

    def kill(self) -> None:
        with self._cluster.changed:
            self.dead = True
            self._cluster.lose(self._group, self.member_id)

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        self._live()
        records = super().poll(max_records, timeout_s)
        self._live()
        return records

    def commit(self, positions: Mapping[Partition, Position]) -> None:
        with self._cluster.changed:
            self._live()
            super().commit(positions)
            self._cluster.changed.notify_all()

    def publish(self, records: Sequence[OutRecord], positions: Mapping[Partition, Position]) -> None:
        with self._cluster.changed:
            if self.doom == "before_commit":
                self.kill()
            self._live()
            super().publish(records, positions)
            if self.doom == "after_commit":
                self.kill()
            self._live()

    def close(self) -> None:
        if not self.dead:
            super().close()

    def _live(self) -> None:
        if self.dead:
            raise Killed


class Running:
    """A worker at work on a thread of its own. `seen` counts what its loop heard, by name of the event; `engines` are
    those of its lanes. `memory`: what it is told that it takes, in bytes; `ahead_s`: how far its clock is ahead."""

    def __init__(
        self,
        site: Site,
        processors: Sequence[SpanProcessor],
        gate: Callable[[MortalBroker], Gate],
        ready_file: Path | None = None,
        memory: int = 0,
        always: Fault | None = None,
    ) -> None:
        self.broker = MortalBroker(site.cluster, site.group)
        self.gate = gate(self.broker)
        self.seen: Counter[str] = Counter()
        self._heard = Condition()
        self._error: PagestreamError | None = None
        self._crash: BaseException | None = None
        engines = [cast(FakeEngine, engine) for engine in load_engines(site.settings)]
        self.engines = [replace(engine, gate=self.gate, always=always) for engine in engines]
        self.memory = memory
        self.ahead_s = 0.0
        clock = steady_clock()
        self.worker: Worker = build_worker(
            site.settings,
            broker=self.broker,
            store=site.store,
            engines=self.engines,
            processors=processors,
            watch=self._watch,
            clock=lambda: clock() + self.ahead_s,
            memory=Memory(clock, every_s=0.0, resident=lambda: self.memory),
            readiness=Readiness(ready_file),
        )
        self._thread = Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def until(self, condition: Callable[[Counter[str]], bool]) -> None:
        with self._heard:
            assert self._heard.wait_for(lambda: condition(self.seen), PATIENCE_S), f"only {self.seen}"

    def ended(self, *, deadline_s: float = PATIENCE_S) -> PagestreamError | None:
        """Wait for its end. Returns why it stopped; raises what it crashed of."""
        self._thread.join(deadline_s)
        assert not self._thread.is_alive(), "the worker is still at work"
        if self._crash is not None and not isinstance(self._crash, Killed):
            raise self._crash
        return self._error

    def stop(self) -> PagestreamError | None:
        self.worker.runner.stop()
        return self.ended()

    def kill(self) -> None:
        """It dies as a process does: without a word to the cluster."""
        self.broker.kill()
        self.gate.set()
        self.ended()

    @property
    def killed(self) -> bool:
        return isinstance(self._crash, Killed)

    def _watch(self, event: Event) -> None:
        if not isinstance(event, Tick) and event != MemorySeen(0):
            with self._heard:
                self.seen[type(event).__name__] += 1
                self._heard.notify_all()

    def _run(self) -> None:
        try:
            self._error = self.worker.runner.run()
        except BaseException as crash:
            self._crash = crash


class Site:
    """Topics, buckets, and the settings of the workers here. `sections` are laid over settings that suit tests."""

    group = "pagestream"
    bucket = "documents"

    def __init__(self, *, partitions: int = 2, **sections: Mapping[str, Any]) -> None:
        self.settings: Settings = load_settings(
            engine={"name": "fake", "lanes": 2, **sections.get("engine", {})},
            decode={"children": 1, **sections.get("decode", {})},
            flow={"retry_delays_s": (1,), "environment_tries": 3, **sections.get("flow", {})},
            store=sections.get("store", {}),
            kafka=sections.get("kafka", {}),
        )
        self.cluster = MemoryCluster(max_record_bytes=EVENT_BYTES + MARGIN_BYTES)
        self.mend_store()
        self.topics = Topics.under(self.settings.kafka.topic_prefix, self.settings.flow.retry_delays_s)
        for topic in (self.topics.documents, self.topics.pages, self.topics.results, self.topics.dead_letter):
            self.cluster.create_topic(topic, partitions)
        for topic in self.topics.retry.values():
            self.cluster.create_topic(topic, partitions)

    @contextmanager
    def worker(
        self,
        *,
        processors: Sequence[SpanProcessor] = (),
        gate: Callable[[MortalBroker], Gate] = lambda _: Gate(),
        ready_file: Path | None = None,
        memory: int = 0,
        always: Fault | None = None,
    ) -> Iterator[Running]:
        """A worker that is stopped at the end, if it still runs. `gate` makes what its engines wait at; `always` is
        what is wrong with them."""
        running = Running(self, processors, gate, ready_file, memory, always)
        try:
            yield running
        finally:
            running.gate.set()
            running.worker.runner.stop()
            running.ended()

    def put(self, key: str, body: bytes) -> str:
        """Returns the entity tag."""
        info = self.store.put(self.bucket, key, body, content_type="application/octet-stream", deadline_s=5.0)
        assert info.etag is not None
        return info.etag

    def mend_store(self) -> None:
        """Another store for the workers to come, without failures and without objects."""
        self.store = MemoryStore()
        for bucket in BUCKETS:
            self.store.create_bucket(bucket)

    def produce(
        self, value: bytes | None, *, key: bytes | None = None, headers: Headers = (), partition: int | None = None
    ) -> Record:
        return self.cluster.produce(self.topics.documents, value, key=key, headers=headers, partition=partition)

    def submit(self, key: str, body: bytes, *, partition: int | None = None, **fields: Any) -> Record:
        """Put an object and send its event."""
        self.put(key, body)
        return self.produce(submitted(key, **fields), key=key.encode(), partition=partition)

    def terminals(self) -> list[Terminal]:
        topics = (self.topics.results, self.topics.dead_letter)
        return [terminal(record) for topic in topics for record in self.cluster.records(topic)]

    def settled(self, units: Collection[UnitName]) -> dict[UnitName, Terminal]:
        """Wait until each of these has its terminal record, and see that none has two."""
        wanted = set(units)
        self.until(lambda: wanted <= {found.unit for found in self.terminals()})
        found = [one for one in self.terminals() if one.unit in wanted]
        assert len(found) == len(wanted), "a document has two terminal records"
        return {one.unit: one for one in found}

    def outcome(self, record: Record, index: int = 0) -> Terminal:
        """Of one document: wait for it."""
        unit = unit_of(record, index)
        return self.settled([unit])[unit]

    def completion(self, record: Record) -> DocumentCompleted:
        done = self.outcome(record).completed
        assert done is not None, "it is a dead letter"
        return done

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something about the cluster: asked whenever the cluster changes."""
        with self.cluster.changed:
            assert self.cluster.changed.wait_for(condition, PATIENCE_S), [one.code for one in self.terminals()]

    def object(self, bucket: str, key: str) -> bytes:
        return self.store.get(ObjectRef(bucket, key, None, None), max_bytes=2**30, deadline_s=5.0)[1]

    def committed(self, record: Record) -> int:
        """The next offset of the record's partition, as the group committed it; 0 where it never did."""
        position = self.cluster.committed(self.group).get(record.partition)
        return position.offset if position is not None else 0

    @property
    def caught_up(self) -> bool:
        """Nothing is left to read: not even the ends of transactions."""
        topics = (self.topics.documents, *self.topics.retry.values())
        return all(self.cluster.lag(self.group, topic) == 0 for topic in topics)
