"""What the started services are to one another: a new object becomes a record, a span can be asked for."""

from __future__ import annotations

import io
import json
import os
import re
import time
import urllib.request
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, TopicPartition
from minio import Minio
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from infra.services.buckets import DOCUMENTS
from infra.services.home import REPOSITORY
from infra.services.topics import DOCUMENTS as TOPIC
from infra.services.topics import PARTITIONS

DEADLINE_S = 30


@pytest.mark.kafka
@pytest.mark.store
def test_a_new_object_is_announced_on_the_documents_topic(
    kafka_address: str, store_address: tuple[str, str, str]
) -> None:
    """An object put into the input bucket arrives as a record that names bucket and quoted key."""
    endpoint, access_key, secret_key = store_address
    consumer = Consumer({"bootstrap.servers": kafka_address, "group.id": uuid4().hex, "enable.auto.commit": False})
    places = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
    ends = [consumer.get_watermark_offsets(place, timeout=DEADLINE_S)[1] for place in places]
    consumer.assign([TopicPartition(TOPIC, place.partition, end) for place, end in zip(places, ends, strict=True)])
    store = Minio(endpoint.removeprefix("http://"), access_key, secret_key, secure=False)
    name = f"test/{uuid4().hex} é.txt"
    store.put_object(DOCUMENTS, name, io.BytesIO(b"text"), 4)
    try:
        record = _record_about(consumer, name.replace("/", "%2F").replace(" ", "+").replace("é", "%C3%A9"))
    finally:
        store.remove_object(DOCUMENTS, name)
        consumer.close()
    assert record["s3"]["bucket"]["name"] == DOCUMENTS
    assert record["s3"]["object"]["size"] == 4


@pytest.mark.jaeger
def test_a_span_can_be_asked_for(jaeger: tuple[str, str]) -> None:
    """What is sent over OTLP is found by its service's name."""
    query, otlp = jaeger
    service = f"test-{uuid4().hex}"
    _send_span(otlp, service)
    spans = _spans(f"{query}/api/traces?service={service}")
    assert [span["operationName"] for span in spans] == ["read"]


@pytest.mark.store
@pytest.mark.jaeger
def test_dashboards_show_metrics_that_exist(store_address: tuple[str, str, str], jaeger: tuple[str, str]) -> None:
    """Each metric of a dashboard is told by the store or by Jaeger, once they have had something to do."""
    shown = "".join(path.read_text() for path in (REPOSITORY / "infra/grafana/dashboards").glob("*.json"))
    wanted = set(re.findall(r"\b(?:minio|otelcol|jaeger)_\w+", shown))
    assert wanted
    _send_span(jaeger[1], "test-metrics")
    urls = (f"{store_address[0]}/minio/v2/metrics/cluster", os.environ["PAGESTREAM_TEST_JAEGER_METRICS"])
    end = time.monotonic() + DEADLINE_S
    while missing := {name for name in wanted if name not in "".join(map(_text, urls))}:
        assert time.monotonic() < end, f"nobody tells {missing}"


def _text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def _send_span(otlp: str, service: str) -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{otlp}/v1/traces", timeout=10)))
    with provider.get_tracer("test").start_as_current_span("read"):
        pass
    provider.shutdown()


def _record_about(consumer: Consumer, key: str) -> dict[str, Any]:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        message = consumer.poll(1)
        value = None if message is None or message.error() is not None else message.value()
        for record in json.loads(value).get("Records", ()) if value else ():
            if record["s3"]["object"]["key"] == key:
                found: dict[str, Any] = record
                return found
    raise AssertionError("no record about the object has come")


def _spans(url: str) -> list[dict[str, Any]]:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        traces = json.loads(_text(url))["data"]
        if traces:
            return [span for trace in traces for span in trace["spans"]]
        time.sleep(0.05)  # asked again until the deadline: Jaeger stores a span some time after it takes it
    raise AssertionError("the span has not come")
