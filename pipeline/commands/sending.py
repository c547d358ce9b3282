"""Objects that lie in the store, one event each on the documents topic."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from uuid import uuid4

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Tracer

from connectors.kafka_writer import KafkaWriter
from pipeline.app import VERSION, kafka_settings
from pipeline.settings import Settings
from pipeline.telemetry.tracing import carry, close, tracer_provider
from schemas.codec import encode
from schemas.events import DocumentSubmitted
from schemas.fields import SCHEMA_VERSION
from schemas.objects import ObjectInfo
from schemas.record import OutRecord

SEND_TIMEOUT_S = 30.0
CHUNK = 500


def send(settings: Settings, topic: str, objects: Sequence[ObjectInfo]) -> dict[str, ObjectInfo]:
    """One event each, with a trace of its own. Returns what each event's reference stands for."""
    telemetry = settings.telemetry
    provider = tracer_provider(f"{telemetry.service}-submit", version=VERSION, endpoint=telemetry.otlp_endpoint)
    tracer = provider.get_tracer("pagestream", VERSION)
    references = {str(uuid4()): info for info in objects}
    try:
        with closing(KafkaWriter(kafka_settings(settings))) as writer:
            records = [_event(tracer, topic, reference, info) for reference, info in references.items()]
            for start in range(0, len(records), CHUNK):
                writer.write(records[start : start + CHUNK], timeout_s=SEND_TIMEOUT_S)
    finally:
        close(provider)
    return references


def _event(tracer: Tracer, topic: str, reference: str, info: ObjectInfo) -> OutRecord:
    event = DocumentSubmitted(
        schema_version=SCHEMA_VERSION,
        bucket=info.bucket,
        key=info.key,
        version_id=info.version_id,
        etag=info.etag,
        content_type=info.content_type,
        size=info.size,
        reference=reference,
    )
    with tracer.start_as_current_span(f"send {topic}", context=Context(), kind=SpanKind.PRODUCER) as span:
        return OutRecord(topic, f"{info.bucket}/{info.key}".encode(), encode(event), carry((), span))
