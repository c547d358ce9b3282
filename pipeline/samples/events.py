"""What upstream says about the samples: five events, as scanners, stores and careless scripts send them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote_plus

import orjson

from pipeline.samples.collection import Sample, gauge_report, letter, till_receipt, torn
from schemas.codec import encode
from schemas.events import DocumentSubmitted
from schemas.fields import SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """`value` is the record's. `sender` has a trace of its own that the record carries on; None sends without one.
    `ends` is how the document must end: the status, or the code of its dead letter."""

    label: str
    value: bytes
    sample: Sample | None
    sender: str | None
    ends: str


def sample_events(bucket: str) -> tuple[SampleEvent, ...]:
    return (
        _event("scanner", letter(), _submitted, bucket, "complete"),
        _event(None, till_receipt(), _notification, bucket, "complete"),
        _event("upload", gauge_report(), _submitted, bucket, "complete"),
        _event("scanner", torn(), _submitted, bucket, "corrupt_image"),
        SampleEvent("a record that is not JSON", b"please read letter.png", None, None, "not_json"),
    )


def _event(
    sender: str | None, sample: Sample, written: Callable[[str, Sample], bytes], bucket: str, ends: str
) -> SampleEvent:
    return SampleEvent(sample.key, written(bucket, sample), sample, sender, ends)


def _submitted(bucket: str, sample: Sample) -> bytes:
    return encode(
        DocumentSubmitted(
            schema_version=SCHEMA_VERSION,
            bucket=bucket,
            key=sample.key,
            content_type=sample.content_type,
            size=len(sample.body),
            reference=f"demo/{sample.key}",
            metadata={"kind": sample.key.partition("/")[0]},
        )
    )


def _notification(bucket: str, sample: Sample) -> bytes:
    """As a bucket sends it by itself when an object is put."""
    found = {"key": quote_plus(sample.key), "size": len(sample.body), "contentType": sample.content_type}
    record = {"eventName": "s3:ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": found}}
    return orjson.dumps({"EventName": "s3:ObjectCreated:Put", "Key": f"{bucket}/{sample.key}", "Records": [record]})
