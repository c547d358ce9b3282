"""The whole pipeline on a real broker and store as a side of a bench: a worker of its own, as its users run it.

Topics, group and buckets are made for the run and removed after it, so that no other worker, and no store that sends
notifications, takes part. The clock of a pass runs from the first event taken to the last outcome that a
`read_committed` consumer sees; uploads are over by then.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO
from uuid import uuid4

import yaml

from connectors.kafka_admin import KafkaAdmin
from connectors.kafka_reader import KafkaReader
from connectors.object_store import S3Store
from pipeline.app import kafka_settings, store_settings
from pipeline.bench.ours import STEPS, read_pages
from pipeline.bench.side import Files, Pass, Tell
from pipeline.commands.exits import complain
from pipeline.commands.preflight import TIMEOUT_S, topic_specs, topics_of
from pipeline.commands.sending import send
from pipeline.errors import Environment, Fatal, PagestreamError
from pipeline.ocr.agreement import ReadPage
from pipeline.settings import Settings, load_settings
from pipeline.topics import Topics
from schemas.codec import decode
from schemas.failures import read_dead_letter
from schemas.objects import ObjectInfo, ObjectRef
from schemas.record import Record
from schemas.results import DocumentCompleted, DocumentResult

PARTITIONS = 4
"""As `pagestream topics create` makes them."""

SILENCE_S = 240.0
"""Without any outcome. Less than the bench itself waits for a side."""

SLICE_S = 1.0
STOP_S = 15.0
"""Less than the bench waits for a side to leave: nothing is under way by then."""

LOG = "worker.log"

MOST_LISTED = 100_000


@contextmanager
def place(engine: dict[str, Any]) -> Iterator[Settings]:
    """Settings with topics, group and buckets that nobody else has, for as long as the context lasts.

    Raises Environment where broker or store do not answer, or do not let us make them.
    """
    name = f"pagestream-bench-{uuid4().hex[:8]}"
    documents, results = f"{name}-documents", f"{name}-results"
    settings = load_settings(
        kafka={"topic_prefix": name, "group": name},
        store={
            "input_buckets": {documents},
            "results_bucket": results,
            "results_prefix": "",
            "prefixes": (),
            "suffixes": (),
        },
        engine=engine,
        telemetry={"ready_file": None},  # it would be another worker's
    )
    with closing(S3Store(store_settings(settings))) as store, ExitStack() as stack:
        admin = KafkaAdmin(kafka_settings(settings))
        specs = topic_specs(settings, partitions=PARTITIONS, replication=1)
        admin.create_topics(specs, timeout_s=TIMEOUT_S)
        stack.callback(_removed, name, lambda: admin.delete_group(name, timeout_s=TIMEOUT_S))
        stack.callback(_removed, name, lambda: admin.delete_topics([s.name for s in specs], timeout_s=TIMEOUT_S))
        for bucket in (documents, results):
            store.create_bucket(bucket)
            stack.callback(_removed, name, partial(_remove_bucket, store, bucket))
        yield settings


@dataclass(frozen=True, slots=True)
class PipelineKind:
    """`settings` as `place` makes them."""

    settings: Settings

    def load(self) -> PipelineSide:
        return PipelineSide(self.settings)


class PipelineSide:
    """A worker process that stays up between passes; ready when its first documents have come back."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topics = topics_of(settings)
        self._turn = 0
        self._stack = ExitStack()
        self._store = self._stack.enter_context(closing(S3Store(store_settings(settings))))
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="pagestream-")))
        self._log = folder / LOG
        self._worker = _start(settings, folder)

    def run(self, files: Files, tell: Tell) -> Pass:
        self._turn += 1
        objects = [self._uploaded(name, path) for name, path in files.items()]
        with closing(KafkaReader(kafka_settings(self._settings), _ends(self._topics), start="end")) as reader:
            references = send(self._settings, self._topics.documents, objects)
            names = {reference: _name(info) for reference, info in references.items()}
            heard = _Heard(names)
            self._listen(reader, heard, tell)
        readings = {name: self._pages(done) for name, done in heard.done.items()}
        return Pass(
            seconds=heard.seconds(),
            pages=sum(len(pages) for pages in readings.values()),
            lines=sum(len(page.lines) for pages in readings.values() for page in pages),
            stages=heard.steps(),
            failed=heard.failed,
            readings=readings,
        )

    def close(self) -> None:
        self._worker.terminate()
        try:
            self._worker.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._worker.kill()
            self._worker.wait(STOP_S)
        self._stack.close()

    def _uploaded(self, name: str, path: Path) -> ObjectInfo:
        """Under another key in each pass: the same object would be the same document."""
        store = self._settings.store
        kind = "application/octet-stream"  # a worker goes by the bytes
        return self._store.put(
            min(store.input_buckets),
            f"{self._turn}/{name}",
            path.read_bytes(),
            content_type=kind,
            deadline_s=store.put_deadline_s,
        )

    def _listen(self, reader: KafkaReader, heard: _Heard, tell: Tell) -> None:
        """Until every document has its outcome. Raises Environment `bench_stalled`, Fatal `bench_worker_ended`."""
        deadline = time.monotonic() + SILENCE_S
        while not heard.all:
            for record in reader.follow(SLICE_S):
                pages = heard.take(record, self._topics)
                if pages is not None:
                    deadline = time.monotonic() + SILENCE_S
                    tell(pages)
                if heard.all:
                    return
            if (code := self._worker.poll()) is not None:
                raise Fatal(
                    f"The worker ended with exit code {code}: {self._last_words()}",
                    code="bench_worker_ended",
                    stage="bench",
                )
            if time.monotonic() > deadline:
                raise Environment(
                    "No outcome came for a while; look at broker, store and load.", code="bench_stalled", stage="bench"
                )

    def _last_words(self) -> str:
        """A worker's log holds neither text nor keys of documents."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")

    def _pages(self, done: DocumentCompleted) -> tuple[ReadPage, ...]:
        lies = ObjectRef(done.result.bucket, done.result.key)
        deadline_s = self._settings.store.fetch_deadline_s
        _, body = self._store.get(lies, max_bytes=done.result.size, deadline_s=deadline_s)
        return read_pages(decode(DocumentResult, body))


@dataclass(slots=True)
class _Heard:
    """Outcomes of one pass. `names`: reference of an event -> the document's name."""

    names: dict[str, str]
    done: dict[str, DocumentCompleted] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    last: float = 0.0

    @property
    def all(self) -> bool:
        return len(self.done) + len(self.failed) == len(self.names)

    def take(self, record: Record, topics: Topics) -> int | None:
        """Pages of a document of ours that ended; None where the record is about none."""
        if record.partition.topic == topics.results:
            done = decode(DocumentCompleted, record.value or b"")
            name = self.names.get(done.reference or "")
            if name is None:
                return None
            self.done[name], self.last = done, time.time()
            return done.pages_by_status.ok + done.pages_by_status.empty
        letter, event = read_dead_letter(record.headers), record.value or b""
        name = next((name for reference, name in self.names.items() if reference.encode() in event), None)
        if letter is None or name is None:
            return None
        self.failed[name], self.last = letter.code, time.time()
        return 0

    def seconds(self) -> float:
        """From the first event taken to the last outcome seen: both by this machine's clock."""
        taken = [
            done.event.timestamp.timestamp() + done.timings.queued_s
            for done in self.done.values()
            if done.event.timestamp is not None and done.timings.queued_s is not None
        ]
        return self.last - min(taken) if taken else 0.0

    def steps(self) -> dict[str, float]:
        steps: Counter[str] = Counter()
        for done in self.done.values():
            steps.update({step: getattr(done.timings, f"{step}_s") or 0.0 for step in STEPS})
        return dict(steps)


def _start(settings: Settings, folder: Path) -> subprocess.Popen[bytes]:
    config = folder / "settings.yaml"
    config.write_text(yaml.safe_dump(settings.model_dump(mode="json")), encoding="utf-8")
    with (folder / LOG).open("wb") as log:
        return _run(config, log)


def _run(config: Path, log: BinaryIO) -> subprocess.Popen[bytes]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PAGESTREAM_")}
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "run"],
        env={**clean, "PAGESTREAM_CONFIG": str(config)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=log,
    )


def _ends(topics: Topics) -> Sequence[str]:
    return topics.results, topics.dead_letter


def _name(info: ObjectInfo) -> str:
    return info.key.partition("/")[2]


def _removed(name: str, remove: Callable[[], None]) -> None:
    """What can't be removed is said and left: the figures are measured by then."""
    try:
        remove()
    except PagestreamError as error:
        complain.print(f"{name}: not all of it could be removed, {error.code}", soft_wrap=True)


def _remove_bucket(store: S3Store, bucket: str) -> None:
    for info in store.list_objects(bucket, "", MOST_LISTED):
        store.remove(bucket, info.key)
    store.remove_bucket(bucket)
