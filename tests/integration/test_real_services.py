"""`pagestream run` on a real Kafka, S3 store and Jaeger: the same promises, and processes that really die."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from minio.notificationconfig import NotificationConfig, QueueConfig
from PIL import Image, ImageDraw, ImageFont

from connectors.kafka_reader import KafkaReader
from connectors.kafka_settings import KafkaSettings
from pipeline.engines.fake import Fault, mark
from schemas.codec import decode
from schemas.results import DocumentCompleted, DocumentResult
from tests.bad_inputs import ALL, MAX_OBJECT_BYTES, largest_event
from tests.documents import make_image
from tests.services import until
from tests.worker import EVENT_BYTES, UnitName, pages, picture
from tests.worker_process import ServiceSite

pytestmark = [pytest.mark.kafka, pytest.mark.store, pytest.mark.timeout(180)]

PARENT = "b7ad6b7169203331"
STAGES = {"fetch", "decode", "wait", "detect", "wait recognise", "recognise", "store", "publish"}
RECORD_OVERHEAD = 80
"""A batch of one record has 61 bytes of its own, the record 11 for its lengths: `max.message.bytes` counts them."""

NOTIFIED_TOPIC = "pagestream.documents"
NOTIFIER = "arn:minio:sqs::PRIMARY:kafka"
"""Where `infra.services` lets the store send its notifications; a store learns such a place only when it starts."""

DRAIN_S = 30.0
CEILING_MB = 240
"""Above what a worker with the fake engine takes at rest, and less than that and `fake.LEAK_BYTES` together."""

BACKLOG = 40
"""Documents that wait at most, so that a worker that is slow has no more to do for it."""

Sites = Callable[..., ServiceSite]


@pytest.fixture(scope="module")
def sites(
    tmp_path_factory: pytest.TempPathFactory, kafka_address: str, store_address: tuple[str, str, str]
) -> Iterator[Sites]:
    made: list[ServiceSite] = []

    def make(**sections: Any) -> ServiceSite:
        made.append(ServiceSite(tmp_path_factory.mktemp("site"), (kafka_address, store_address), **sections))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture(scope="module")
def site(sites: Sites, jaeger: tuple[str, str]) -> Iterator[ServiceSite]:
    """One worker at work, whose spans go to Jaeger: for tests that harm nobody."""
    made = sites(store={"max_object_bytes": MAX_OBJECT_BYTES}, telemetry={"otlp_endpoint": jaeger[1]})
    with made.worker() as process:
        process.ready()
        yield made
        assert process.stop() == 0


def completion(site: ServiceSite, unit: UnitName) -> DocumentCompleted:
    done = site.settled([unit])[unit].completed
    assert done is not None, "it is a dead letter"
    return done


def crowd(site: ServiceSite, count: int) -> list[UnitName]:
    return [site.submit(f"crowd/{n}.tiff", pages([f"crowd {n}"], ["second"])) for n in range(count)]


def spans_of(query: str, trace: str) -> dict[str, Any]:
    """Jaeger's spans of a trace, by name; none while it has not heard of it."""
    try:
        with urllib.request.urlopen(f"{query}/api/traces/{trace}", timeout=10) as response:
            return {span["operationName"]: span for span in json.load(response)["data"][0]["spans"]}
    except urllib.error.HTTPError as error:
        error.close()
        return {}


def parent_of(span: dict[str, Any]) -> str:
    (reference,) = [one for one in span["references"] if one["refType"] == "CHILD_OF"]
    return str(reference["spanID"])


@pytest.mark.jaeger
def test_from_event_to_records_object_and_trace(site: ServiceSite, jaeger: tuple[str, str]) -> None:
    """One event gives page records, a completion, the object it names, and one trace under the producer's span."""
    trace = uuid4().hex
    header = ("traceparent", f"00-{trace}-{PARENT}-01".encode())
    unit = site.submit("path.tiff", pages(["one", "two"], ["three"]), headers=(header,), reference="mine")
    done = completion(site, unit)
    result = decode(DocumentResult, site.result_object(done.result.key))
    found = site.pages(done)
    assert [page.text for page in result.pages] == ["one\ntwo", "three"]
    assert (tuple(found), done.reference, done.trace_id) == (result.pages, "mine", trace)
    assert hashlib.sha256(site.result_object(done.result.key)).hexdigest() == done.result.sha256
    topics = site.topics
    sends = {f"send {topics.pages}", f"send {topics.results}"}
    until(lambda: f"process {topics.documents}" in spans_of(jaeger[0], trace))
    spans = spans_of(jaeger[0], trace)
    assert spans.keys() == {f"process {topics.documents}"} | STAGES | sends
    process = spans[f"process {topics.documents}"]
    assert parent_of(process) == PARENT
    assert {parent_of(spans[stage]) for stage in STAGES} == {process["spanID"]}
    assert {parent_of(spans[send]) for send in sends} == {spans["publish"]["spanID"]}


def test_a_file_put_by_any_client_is_read(site: ServiceSite, kafka_address: str) -> None:
    """What the store itself says of a new object, as it says it, is an event that we read.

    The store knows one topic to tell, which others use too: the record is carried over to the test's own.
    """
    queue = QueueConfig(queue=NOTIFIER, events=["s3:ObjectCreated:*"])
    site.client.set_bucket_notification(site.bucket, NotificationConfig(queue_config_list=[queue]))
    with closing(KafkaReader(KafkaSettings(kafka_address), [NOTIFIED_TOPIC], start="end")) as reader:
        site.put("scans/Straße & Co +1.png", picture("by hand"))
        heard = (r for r in reader.follow(30.0) if r.value is not None and site.bucket.encode() in r.value)
        record = next(heard)
    site.client.delete_bucket_notification(site.bucket)
    unit = site.produce(record.value, key=record.key, headers=record.headers)
    done = completion(site, unit)
    assert (done.source.key, done.status) == ("scans/Straße & Co +1.png", "complete")


def test_bad_inputs_among_good_ones(site: ServiceSite) -> None:
    """Each bad input ends as one dead letter with its code and its bytes; the good ones between them are read."""
    bad = {}
    good = []
    for number, case in enumerate(ALL):
        value = case.value(site)
        bad[site.produce(value, headers=case.headers)] = (case.code, value)
        good.append(site.submit(f"between/{number}.png", picture(f"between {number}")))
    largest = largest_event(EVENT_BYTES - RECORD_OVERHEAD)
    bad[site.produce(largest)] = ("bucket_not_allowed", largest)
    found = site.settled([*bad, *good])
    assert {unit: (found[unit].code, found[unit].record.value) for unit in bad} == bad
    assert {found[unit].code for unit in good} == {"complete"}
    published = site.published()
    assert len(published) == len(set(published))


def test_a_stop_finishes_what_was_begun(sites: Sites) -> None:
    """SIGTERM mid-load: exit code 0 within the deadline, and with the next worker nothing is missing or doubled."""
    site = sites(flow={"max_documents": 8, "drain_s": DRAIN_S})
    units = crowd(site, 60)
    with site.worker() as first:
        site.until(lambda: len(site.terminals()) >= 5)
        assert first.stop(deadline_s=DRAIN_S) == 0
    with site.worker() as second:
        assert {one.code for one in site.settled(units).values()} == {"complete"}
        assert second.stop(deadline_s=DRAIN_S) == 0
    assert site.published() == sorted(units)


def test_two_workers_one_is_killed(sites: Sites) -> None:
    """Of two workers of a group one dies mid-load: nothing is missing and nothing is doubled."""
    site = sites(flow={"max_documents": 8})
    with site.worker() as first, site.worker() as second:
        units = crowd(site, 30)
        site.until(lambda: len(site.terminals()) >= 1)
        units += crowd(site, 50)
        first.ready()
        second.ready()
        site.until(lambda: len(site.terminals()) >= 20)
        first.signal(signal.SIGKILL)
        assert first.ended() == -signal.SIGKILL
        assert {one.code for one in site.settled(units).values()} == {"complete"}
        assert second.stop() == 0
    assert site.published() == sorted(units)


def test_a_document_that_kills_its_process(sites: Sites) -> None:
    """A document that takes three processes down is dead, with that reason; every other one is read, once."""
    site = sites(flow={"max_documents": 4})
    units = crowd(site, 6)
    killer = site.submit("killer.png", picture(mark(Fault.KILL)))
    units += crowd(site, 6)
    for _ in range(3):
        with site.worker() as process:
            assert process.ended() == -signal.SIGKILL
    with site.worker() as process:
        found = site.settled([*units, killer])
        assert process.stop() == 0
    assert found[killer].code == "worker_killed"
    assert {found[unit].code for unit in units} == {"complete"}
    assert site.published() == sorted([*units, killer])


def test_a_process_at_its_ceiling_is_recycled(sites: Sites, tmp_path: Path) -> None:
    """Under load a process that has grown ends with exit code 5; with the next one nothing is missing or doubled."""
    ready_file = tmp_path / "ready"
    site = sites(flow={"memory_ceiling_mb": CEILING_MB, "max_documents": 8}, telemetry={"ready_file": str(ready_file)})
    with site.worker() as first:
        first.ready()
        assert ready_file.read_text() == f"{first.pid}\n"
        units = [site.submit("leak.png", picture("leak", mark(Fault.LEAK)))]

        def keeps_up() -> bool:
            return not first.running or len(site.terminals()) > len(units) - BACKLOG

        while first.running:
            units += crowd(site, 5)
            site.until(keeps_up)
        assert first.ended() == 5
        assert not ready_file.exists()
    with site.worker(flow={"memory_ceiling_mb": None}) as second:
        found = site.settled(units)
        assert second.stop() == 0
    assert {one.code for one in found.values()} == {"complete"}
    assert {one.completed.attempts for one in found.values() if one.completed is not None} == {1}
    assert site.published() == sorted(units)


def test_without_a_collector_nothing_hangs(sites: Sites) -> None:
    """With a collector's address where nobody answers, documents are read and a stop takes seconds."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        site = sites(telemetry={"otlp_endpoint": f"http://127.0.0.1:{unused.getsockname()[1]}"})
        with site.worker() as process:
            assert {one.code for one in site.settled(crowd(site, 5)).values()} == {"complete"}
            assert process.stop(deadline_s=20.0) == 0


@pytest.mark.parametrize(
    ("section", "wrong", "code"),
    [
        ("store", {"secret_key_file": "wrong"}, "store_forbidden"),
        ("store", {"results_bucket": "nobody-has-this-bucket"}, "bucket_missing"),
        ("kafka", {"topic_prefix": "nobody-has-this-prefix"}, "topic_missing"),
    ],
    ids=["wrong_secret", "bucket_missing", "topics_missing"],
)
def test_a_worker_that_cannot_work_says_why(
    sites: Sites, tmp_path: Path, section: str, wrong: dict[str, str], code: str
) -> None:
    """What the environment lacks is told at once by its code, with the exit code for what may come back: 3."""
    site = sites()
    (tmp_path / "wrong").write_text("wrong", encoding="utf-8")
    changed = {name: str(tmp_path / value) if name.endswith("_file") else value for name, value in wrong.items()}
    with site.worker(**{section: changed}) as process:
        assert process.ended() == 3
        assert code in process.log


@pytest.mark.models
def test_with_real_models(sites: Sites, models_directory: Path) -> None:
    """The embedded engine reads printed text over the whole path."""
    page = Image.new("RGB", (900, 200), "white")
    ImageDraw.Draw(page).text((40, 60), "Invoice 20417 paid", fill="black", font=ImageFont.load_default(64))
    site = sites(engine={"name": "onnx", "lanes": 1, "models_directory": str(models_directory)})
    with site.worker():
        done = completion(site, site.submit("invoice.png", make_image(page, "PNG")))
        assert [page.text for page in site.pages(done)] == ["Invoice 20417 paid"]
