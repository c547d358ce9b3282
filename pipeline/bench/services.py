"""The whole pipeline on a real broker and store as a side of a bench: a worker of its own, as its users run it.

The clock of a pass runs from the first event taken to the last outcome that a `read_committed` consumer sees; uploads
are over by then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from connectors.kafka_reader import KafkaReader
from connectors.object_store import S3Store
from pipeline.app import kafka_settings, store_settings
from pipeline.bench.ours import read_pages
from pipeline.bench.outcomes import Outcomes
from pipeline.bench.side import Files, Pass, Tell
from pipeline.bench.worker import WorkerProcess
from pipeline.errors import Environment
from pipeline.ocr.agreement import ReadPage
from pipeline.settings import Settings
from pipeline.topics import Topics
from schemas.codec import decode
from schemas.objects import ObjectInfo, ObjectRef
from schemas.results import DocumentCompleted, DocumentResult

SILENCE_S = 240.0
"""Without any outcome. Less than the bench itself waits for a side."""

SLICE_S = 1.0

Send = Callable[[Settings, str, Sequence[ObjectInfo]], dict[str, ObjectInfo]]
"""Puts an event for each object on a topic; returns what each event's reference stands for. A function of a module, so
that it can be sent to another process."""


@dataclass(frozen=True, slots=True)
class PipelineKind:
    """`settings` as `place` makes them."""

    settings: Settings
    send: Send

    def load(self) -> PipelineSide:
        return PipelineSide(self.settings, self.send)


class PipelineSide:
    """A worker process that stays up between passes; ready when its first documents have come back."""

    def __init__(self, settings: Settings, send: Send) -> None:
        self._settings = settings
        self._send = send
        self._topics = Topics.under(settings.kafka.topic_prefix, settings.flow.retry_delays_s)
        self._turn = 0
        self._stack = ExitStack()
        self._store = self._stack.enter_context(closing(S3Store(store_settings(settings))))
        self._worker = self._stack.enter_context(closing(WorkerProcess(settings)))

    def run(self, files: Files, tell: Tell) -> Pass:
        self._turn += 1
        objects = [self._uploaded(name, path) for name, path in files.items()]
        ends = (self._topics.results, self._topics.dead_letter)
        with closing(KafkaReader(kafka_settings(self._settings), ends, start="end")) as reader:
            references = self._send(self._settings, self._topics.documents, objects)
            outcomes = Outcomes({reference: _name(info) for reference, info in references.items()})
            self._listen(reader, outcomes, tell)
        readings = {name: self._pages(done) for name, done in outcomes.done.items()}
        return Pass(
            seconds=outcomes.seconds(),
            pages=sum(len(pages) for pages in readings.values()),
            lines=sum(len(page.lines) for pages in readings.values() for page in pages),
            stages=outcomes.steps(),
            failed=outcomes.failed,
            readings=readings,
        )

    def close(self) -> None:
        self._stack.close()

    def _uploaded(self, name: str, path: Path) -> ObjectInfo:
        """Under another key in each pass: the same object would be the same document."""
        store = self._settings.store
        return self._store.put(
            min(store.input_buckets),
            f"{self._turn}/{name}",
            path.read_bytes(),
            content_type="application/octet-stream",  # a worker goes by the bytes
            deadline_s=store.put_deadline_s,
        )

    def _listen(self, reader: KafkaReader, outcomes: Outcomes, tell: Tell) -> None:
        """Until every document has its outcome. Raises Environment `bench_stalled`, Fatal `bench_worker_ended`."""
        deadline = time.monotonic() + SILENCE_S
        while not outcomes.all:
            for record in reader.follow(SLICE_S):
                pages = outcomes.take(record, self._topics)
                if pages is not None:
                    deadline = time.monotonic() + SILENCE_S
                    tell(pages)
                if outcomes.all:
                    return
            self._worker.require_running()
            if time.monotonic() > deadline:
                raise Environment(
                    "No outcome came for a while; look at broker, store and load.", code="bench_stalled", stage="bench"
                )

    def _pages(self, done: DocumentCompleted) -> tuple[ReadPage, ...]:
        lies = ObjectRef(done.result.bucket, done.result.key)
        deadline_s = self._settings.store.fetch_deadline_s
        _, body = self._store.get(lies, max_bytes=done.result.size, deadline_s=deadline_s)
        return read_pages(decode(DocumentResult, body))


def _name(info: ObjectInfo) -> str:
    return info.key.partition("/")[2]
