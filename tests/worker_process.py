"""A worker as its users run it: `pagestream run`, on real services, with topics, buckets and a group of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import yaml
from confluent_kafka import KafkaError, Message, Producer
from minio import Minio

from connectors.kafka_admin import KafkaAdmin
from connectors.kafka_reader import KafkaReader
from pipeline.app import kafka_settings
from pipeline.commands.preflight import topic_specs, topics_of
from pipeline.settings import Settings, load_settings
from schemas.codec import decode
from schemas.pages import PageResult
from schemas.record import Headers, Record
from schemas.results import DocumentCompleted
from tests.services import unique, until
from tests.worker import Terminal, UnitName, submitted, terminal

ROOT = Path(__file__).parents[1]
START_S = 60.0
PATIENCE_S = 60.0
"""A session that has to expire first takes 6 s, the least that the broker's defaults allow."""

SETTLE_S = 20.0


class Process:
    """One `pagestream run`."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline", "run"],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=out,
            )

    def ready(self) -> None:
        """Wait until it takes work."""
        until(lambda: " ready:" in self.log or self._process.poll() is not None, deadline_s=START_S)
        assert self._process.poll() is None, self.log

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def ended(self, deadline_s: float = PATIENCE_S) -> int:
        """Its exit code, or minus the signal it died of."""
        try:
            return self._process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it is still at work after {deadline_s} s:\n{self.log}") from None

    def stop(self, deadline_s: float = PATIENCE_S) -> int:
        self.signal(signal.SIGTERM)
        return self.ended(deadline_s)

    def end(self) -> None:
        """Whatever it is at. Its decoders die with it."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(PATIENCE_S)


class ServiceSite:
    """Topics and buckets of a test's own. `sections` are laid over settings that suit tests."""

    def __init__(self, folder: Path, at: tuple[str, tuple[str, str, str]], **sections: Mapping[str, Any]) -> None:
        kafka, (endpoint, access_key, secret_key) = at
        name = unique("site")
        self.bucket, self.results = f"{name}-in", f"{name}-out"
        self.folder = folder
        self._tree = {
            "kafka": {
                "bootstrap_servers": kafka,
                "group": name,
                "topic_prefix": name,
                "session_timeout_s": 6.0,
                "transaction_timeout_s": 5.0,
                **sections.get("kafka", {}),
            },
            "store": {
                "endpoint": endpoint,
                "access_key_file": str(_file(folder / "access-key", access_key)),
                "secret_key_file": str(_file(folder / "secret-key", secret_key)),
                "input_buckets": [self.bucket],
                "results_bucket": self.results,
                **sections.get("store", {}),
            },
            "engine": {"name": "fake", "lanes": 2, **sections.get("engine", {})},
            "decode": {"children": 1, **sections.get("decode", {})},
            "flow": {"retry_delays_s": [1], **sections.get("flow", {})},
            "telemetry": {"service": name, **sections.get("telemetry", {})},
        }
        self.settings: Settings = load_settings(**self._tree)
        self.topics = topics_of(self.settings)
        self.client = Minio(urlsplit(endpoint).netloc, access_key, secret_key, secure=False, region="us-east-1")
        self._producer = Producer({"bootstrap.servers": kafka, "linger.ms": 0, "message.max.bytes": 2_000_000})
        self._found: dict[tuple[str, int, int], Record] = {}
        self._make()

    def _make(self) -> None:
        for bucket in (self.bucket, self.results):
            self.client.make_bucket(bucket)
        specs = topic_specs(self.settings, partitions=2, replication=1)
        made = KafkaAdmin(kafka_settings(self.settings)).create_topics(specs, timeout_s=SETTLE_S)
        assert {one.state for one in made} == {"created"}
        self._reader = self._read()

    def _read(self) -> KafkaReader:
        topics = (self.topics.results, self.topics.dead_letter, self.topics.pages)
        return KafkaReader(kafka_settings(self.settings), topics)

    def close(self) -> None:
        self._reader.close()
        for bucket in (self.bucket, self.results):
            for one in self.client.list_objects(bucket, recursive=True):
                self.client.remove_object(bucket, str(one.object_name))
            self.client.remove_bucket(bucket)

    @contextmanager
    def worker(self, **changes: Mapping[str, Any]) -> Iterator[Process]:
        """A worker process that is ended at the end, if it still runs. `changes` are laid over the site's sections."""
        tree = {name: {**section, **changes.get(name, {})} for name, section in self._tree.items()}
        config = _file(self.folder / f"{unique('settings')}.yaml", yaml.safe_dump(tree))
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PAGESTREAM_", "OTEL_"))}
        environment = {**clean, "PAGESTREAM_CONFIG": str(config), "OTEL_BSP_SCHEDULE_DELAY": "200"}
        process = Process(environment, config.with_suffix(".log"))
        try:
            yield process
        finally:
            process.end()

    def put(self, key: str, body: bytes) -> str:
        """Returns the entity tag."""
        written = self.client.put_object(self.bucket, key, BytesIO(body), len(body))
        assert written.etag is not None
        return written.etag

    def produce(
        self, value: bytes | None, *, key: bytes | None = None, headers: Headers = (), partition: int = -1
    ) -> UnitName:
        """Send one event. Returns what it names first."""
        told: list[Message] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            assert error is None, error
            told.append(message)

        self._producer.produce(
            self.topics.documents,
            value,
            key=key,
            headers=list(headers),
            on_delivery=delivered,
            partition=partition,
        )
        assert self._producer.flush(SETTLE_S) == 0
        partition_number, offset = told[0].partition(), told[0].offset()
        assert partition_number is not None
        assert offset is not None
        return self.topics.documents, partition_number, offset, 0

    def submit(self, key: str, body: bytes, *, headers: Headers = (), **fields: Any) -> UnitName:
        """Put an object and send its event."""
        self.put(key, body)
        return self.produce(submitted(key, bucket=self.bucket, **fields), key=key.encode(), headers=headers)

    def terminals(self) -> list[Terminal]:
        """What was heard so far."""
        return [terminal(record) for record in self._found.values() if record.partition.topic != self.topics.pages]

    def pages(self, done: DocumentCompleted) -> list[PageResult]:
        """What the page records of a document say."""

        def found() -> list[Record]:
            mine = [r for r in self._found.values() if r.partition.topic == self.topics.pages]
            return [record for record in mine if record.key == done.document_id.encode()]

        self.until(lambda: len(found()) >= done.page_count)
        return [decode(PageResult, record.value or b"") for record in found()]

    def until(self, condition: Callable[[], bool], *, deadline_s: float = PATIENCE_S) -> None:
        """Listen to what is committed until it is so."""
        deadline = monotonic() + deadline_s
        while not condition():
            assert monotonic() < deadline, f"it did not come about; {[one.code for one in self.terminals()]}"
            for record in self._reader.follow(0.3):
                self._found[record.partition.topic, record.partition.number, record.offset] = record
                if condition():
                    return

    def settled(self, units: Collection[UnitName]) -> dict[UnitName, Terminal]:
        """Wait until each of these has its terminal record."""
        wanted = set(units)
        self.until(lambda: wanted <= {found.unit for found in self.terminals()})
        return {found.unit: found for found in self.terminals() if found.unit in wanted}

    def published(self) -> list[UnitName]:
        """Every terminal record that a `read_committed` consumer sees now, from the beginning; sorted."""
        reader = self._read()
        try:
            records = [r for r in reader.scan(SETTLE_S) if r.partition.topic != self.topics.pages]
        finally:
            reader.close()
        return sorted(terminal(record).unit for record in records)

    def result_object(self, key: str) -> bytes:
        response = self.client.get_object(self.results, key)
        try:
            return bytes(response.read())
        finally:
            response.close()
            response.release_conn()


def _file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path
