"""`pagestream submit`: put files into the store and say so on the topic, as a producer would."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Tracer
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from connectors.kafka_reader import KafkaReader
from connectors.kafka_writer import KafkaWriter
from connectors.object_store import S3Store
from pipeline.app import VERSION, kafka_settings, store_settings
from pipeline.commands.exits import DOCUMENTS_FAILED, told_plainly
from pipeline.commands.outcomes import Ended, ended
from pipeline.commands.preflight import topics_of
from pipeline.errors import Fatal
from pipeline.settings import Settings, load_settings
from pipeline.telemetry.tracing import carry, close, tracer_provider
from pipeline.topics import Topics
from schemas.codec import encode
from schemas.events import DocumentSubmitted
from schemas.objects import ObjectInfo
from schemas.record import OutRecord

SEND_TIMEOUT_S = 30.0
LISTED = 10_000
CHUNK = 500


def submit(
    files: Annotated[list[Path] | None, typer.Argument(help="Files to upload and submit.", exists=True)] = None,
    bucket: Annotated[str | None, typer.Option(help="Where to; by default the first input bucket.")] = None,
    prefix: Annotated[str, typer.Option(help="What keys begin with; without files: which objects to submit.")] = "",
    events: Annotated[
        bool, typer.Option(help="--no-events only uploads: for buckets whose store sends notifications itself.")
    ] = True,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for every outcome and show it.")] = False,
    timeout: Annotated[float, typer.Option(help="How long to wait, in seconds.")] = 300.0,
) -> None:
    """Upload FILES and send one event each; without FILES, send one for every object already in --bucket."""
    with told_plainly():
        settings = load_settings()
        target = bucket or min(settings.store.input_buckets)
        topics = topics_of(settings)
        with closing(S3Store(store_settings(settings))) as store:
            reader = _reader(settings, topics) if wait and events else None
            if files:
                objects = list(_uploaded(store, files, target, prefix, settings))
            elif bucket:
                objects = store.list_objects(bucket, prefix, LISTED)
            else:
                raise typer.BadParameter("name FILES, or a --bucket whose objects are to be submitted")
        references = _send(settings, topics, objects) if events else {}
        Console().print(f"{len(objects)} documents {'submitted' if events else 'uploaded'}.")
        if reader is not None:
            with closing(reader):
                _wait(reader, topics, references, timeout)


def _reader(settings: Settings, topics: Topics) -> KafkaReader:
    """Made before anything is sent, so that no outcome is missed."""
    return KafkaReader(kafka_settings(settings), [topics.results, topics.dead_letter], start="end")


def _uploaded(store: S3Store, files: list[Path], bucket: str, prefix: str, settings: Settings) -> Iterator[ObjectInfo]:
    paths = [found for path in files for found in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    with Progress(transient=True) as progress:
        for path in progress.track([path for path in paths if path.is_file()], description="upload"):
            if path.stat().st_size > settings.store.max_object_bytes:
                raise Fatal("A file is larger than store.max_object_bytes.", code="file_too_large", stage="submit")
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            deadline = settings.store.put_deadline_s
            yield store.put(bucket, f"{prefix}{path.name}", path.read_bytes(), content_type=kind, deadline_s=deadline)


def _send(settings: Settings, topics: Topics, objects: list[ObjectInfo]) -> dict[str, ObjectInfo]:
    """One event each, with a trace of its own. Returns what each event's reference stands for."""
    telemetry = settings.telemetry
    provider = tracer_provider(f"{telemetry.service}-submit", version=VERSION, endpoint=telemetry.otlp_endpoint)
    tracer = provider.get_tracer("pagestream", VERSION)
    references = {str(uuid4()): info for info in objects}
    with closing(KafkaWriter(kafka_settings(settings))) as writer:
        records = [_event(tracer, topics.documents, reference, info) for reference, info in references.items()]
        for start in range(0, len(records), CHUNK):
            writer.write(records[start : start + CHUNK], timeout_s=SEND_TIMEOUT_S)
    close(provider)
    return references


def _event(tracer: Tracer, topic: str, reference: str, info: ObjectInfo) -> OutRecord:
    event = DocumentSubmitted(
        schema_version="1.0",
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


def _wait(reader: KafkaReader, topics: Topics, references: dict[str, ObjectInfo], timeout: float) -> None:
    found: dict[str, Ended] = {}
    began = time.monotonic()
    with Progress(transient=True) as progress:
        task = progress.add_task("outcomes", total=len(references))
        for record in reader.follow(timeout):
            outcome = ended(record, topics)
            if outcome is not None and outcome.reference in references:
                found[outcome.reference] = outcome
                progress.update(task, completed=len(found))
            if len(found) == len(references):
                break
    console = Console()
    table = Table("document", "outcome", "pages", "code", Column("trace", overflow="fold"))
    for reference, info in references.items():
        outcome = found.get(reference)
        if outcome is None:
            table.add_row(info.key, "no outcome yet", "", "", "")
        else:
            table.add_row(info.key, outcome.status, outcome.pages, outcome.code, outcome.trace)
    console.print(table)
    console.print(f"{len(found)} of {len(references)} outcomes in {time.monotonic() - began:.1f} s")
    if len(found) < len(references) or any(outcome.code for outcome in found.values()):
        raise typer.Exit(DOCUMENTS_FAILED)
