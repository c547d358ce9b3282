"""The parts of measuring a whole pipeline: its place, its worker's process, and what is heard of its documents."""

from __future__ import annotations

import pytest

from connectors.errors import failure
from connectors.kafka_admin import TopicSpec
from connectors.memory_store import MemoryStore
from pipeline.bench import place as places
from pipeline.bench.outcomes import Outcomes
from pipeline.bench.worker import WorkerProcess
from pipeline.engines.fake import Fault, mark
from pipeline.errors import Fatal
from pipeline.settings import load_settings
from tests.services import until
from tests.worker import Site, picture


def test_only_documents_of_the_pass_are_heard():
    """A completion counts its pages, a dead letter none but its code; others' records are about nobody."""
    site = Site()
    with site.worker():
        sent = [
            site.submit("a.png", picture("one"), reference="first"),
            site.submit("b.png", picture(mark(Fault.REJECTED)), reference="second"),
            site.submit("c.png", picture("three"), reference="another pass"),
        ]
        ends = [site.outcome(record).record for record in sent]
    outcomes = Outcomes({"first": "a", "second": "b"})
    assert [(outcomes.take(record, site.topics), outcomes.all) for record in ends] == [
        (1, False), (0, True), (None, True),
    ]  # fmt: skip
    assert (list(outcomes.done), list(outcomes.failed)) == (["a"], ["b"])
    assert outcomes.steps().keys() == {"fetch", "decode", "store"}
    assert outcomes.seconds() > 0


class Cluster:
    """Topics, and a group that can't be removed."""

    def __init__(self) -> None:
        self.held: set[str] = set()

    def create_topics(self, specs: list[TopicSpec], *, timeout_s: float) -> None:
        self.held = {spec.name for spec in specs}

    def delete_topics(self, names: list[str], *, timeout_s: float) -> None:
        self.held -= set(names)

    def delete_group(self, name: str, *, timeout_s: float) -> None:
        raise failure("broker_unavailable", "publish")


class Buckets(MemoryStore):
    """Where a bucket must be empty to be removed, as in a real store."""

    def __init__(self) -> None:
        super().__init__()
        self.removed: set[str] = set()

    def remove_bucket(self, bucket: str) -> None:
        assert self.list_objects(bucket, "", 10) == []
        self.removed.add(bucket)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> tuple[Cluster, Buckets]:
    cluster, store = Cluster(), Buckets()
    monkeypatch.setattr(places, "KafkaAdmin", lambda settings: cluster)
    monkeypatch.setattr(places, "S3Store", lambda settings: store)
    monkeypatch.setattr(places, "store_settings", lambda settings: None)
    return cluster, store


def test_what_cannot_be_removed_is_told_and_the_rest_is_gone(services: tuple[Cluster, Buckets]):
    """One thing that stays behind keeps nothing else there, and ends nothing."""
    cluster, store = services
    left: list[tuple[str, str]] = []
    with places.place(
        {"name": "fake"},
        specs=lambda settings: [TopicSpec("events")],
        left=lambda name, error: left.append((name, error.code)),
    ) as made:
        (bucket,) = made.store.input_buckets
        store.put(bucket, "1/a.png", b"", content_type="image/png", deadline_s=1.0)
        assert cluster.held == {"events"}
    assert left == [(made.kafka.group, "broker_unavailable")]
    assert cluster.held == set()
    assert store.removed == {bucket, made.store.results_bucket}


def test_a_worker_that_ended_is_told_with_its_last_words():
    """Its exit code and what it said last; nobody waits for outcomes that can't come."""
    worker = WorkerProcess(load_settings(store={"endpoint": "http://127.0.0.1:1"}))

    def ended() -> Fatal | None:
        try:
            worker.require_running()
        except Fatal as error:
            return error
        return None

    told = until(ended)
    worker.close()
    assert told is not None
    assert told.code == "bench_worker_ended"
    assert "exit code 3: store_unavailable" in told.message
