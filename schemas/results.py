"""What a document says (`DocumentResult`, an object) and how it went (`DocumentCompleted`, a record).

A `DocumentResult` holds no times and no event: the same input, options and pipeline write the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.events import Metadata, Options, Reference
from schemas.fields import SCHEMA_VERSION, Count, Message, SchemaVersion, Seconds, Sha256, TraceId, UtcTime, Uuid
from schemas.pages import Block, BlockKind, Cell, ContentRef, PageError, PageResult, PageStatus, Table, TextLine

__all__ = [
    "Block",
    "BlockKind",
    "Cell",
    "ContentRef",
    "DocumentCompleted",
    "DocumentResult",
    "DocumentStatus",
    "EventRef",
    "ModelStamp",
    "PageError",
    "PageResult",
    "PageStatus",
    "PagesByStatus",
    "Pipeline",
    "Source",
    "Table",
    "TextLine",
    "Timings",
]

DocumentStatus = Literal["complete", "partial"]


class Source(Message):
    """Which bytes were read, and how to know them again."""

    bucket: str = Field(description="Bucket of the object.")
    key: str = Field(description="Object key, not percent-encoded.")
    version_id: str | None = Field(default=None, description="Version read; null in a bucket without versions.")
    etag: str | None = Field(default=None, description="Entity tag without quotes; null where the store has none.")
    size: Count = Field(description="Length of the object, in bytes.")
    sha256: Sha256 = Field(description="SHA-256 of the bytes read, lower-case hexadecimal.")
    content_type: str | None = Field(default=None, description="Media type of the bytes read; null if never known.")


class ModelStamp(Message):
    """One model that ran, and on what."""

    name: str = Field(description="Name of the model.")
    sha256: Sha256 = Field(description="SHA-256 of the model file, lower-case hexadecimal.")
    runtime: str = Field(description="What executed it, with version.")
    device: str = Field(description="Kind of device it ran on.")
    precision: str = Field(description="Arithmetic used, such as fp32 or fp16.")


class Pipeline(Message):
    """What produced a result."""

    version: str = Field(description="Release of this program.")
    fingerprint: Sha256 = Field(description="SHA-256 over models and all settings that change output, hexadecimal.")
    models: tuple[ModelStamp, ...] = Field(description="The models that may have run.")


class PagesByStatus(Message):
    """Counts of pages by outcome."""

    ok: Count = Field(default=0, description="Pages read, a count.")
    empty: Count = Field(default=0, description="Pages with nothing to read, a count.")
    failed: Count = Field(default=0, description="Pages that could not be read, a count.")
    skipped: Count = Field(default=0, description="Pages not asked for, a count.")

    @classmethod
    def of(cls, pages: Iterable[PageResult]) -> PagesByStatus:
        counts = {"ok": 0, "empty": 0, "failed": 0, "skipped": 0}
        for page in pages:
            counts[page.status] += 1
        return cls(**counts)

    @property
    def document_status(self) -> DocumentStatus:
        """`partial` as soon as one page failed; empty and skipped pages are fine."""
        return "partial" if self.failed else "complete"


class DocumentResult(Message):
    """The full result: one JSON object in the results bucket."""

    schema_version: SchemaVersion = Field(default=SCHEMA_VERSION, description="Version of this message, major.minor.")
    document_id: Uuid = Field(description="UUIDv5 of the object read.")
    result_id: Uuid = Field(description="UUIDv5 of document, options and pipeline.")
    status: DocumentStatus = Field(description="complete, or partial when at least one page failed.")
    source: Source = Field(description="The object that was read.")
    options: Options = Field(description="The options in effect, defaults filled in.")
    page_count: Count = Field(description="Pages the document has, a count.")
    pages: tuple[PageResult, ...] = Field(description="The pages, by ascending number.")
    pipeline: Pipeline = Field(description="What produced the result.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.status != PagesByStatus.of(self.pages).document_status:
            raise ValueError("a document is partial exactly when a page failed")
        numbers = [page.number for page in self.pages]
        if numbers != sorted(set(numbers)) or (numbers and numbers[-1] > self.page_count):
            raise ValueError("page numbers ascend, each once, up to page_count")
        ours = (self.document_id, self.result_id)
        if any((page.document_id, page.result_id) != ours for page in self.pages):
            raise ValueError("every page carries the document's own document_id and result_id")
        return self


class EventRef(Message):
    """The first record that named the document; never one of a retry topic."""

    topic: str = Field(description="Topic of the record.")
    partition: Count = Field(description="Partition of the record, from 0.")
    offset: Count = Field(description="Offset of the record in its partition, from 0.")
    index: Count = Field(description="Which document of the record, from 0.")
    timestamp: UtcTime | None = Field(default=None, description="The record's time, RFC 3339 UTC; null if it has none.")

    @classmethod
    def at(
        cls, topic: str, partition: int, *, offset: int, index: int = 0, timestamp_ms: int | None = None
    ) -> EventRef:
        """`timestamp_ms`: milliseconds since 1970 UTC, as Kafka has it. One that no calendar knows (any producer may
        set it) counts as none."""
        try:
            when = None if timestamp_ms is None else datetime.fromtimestamp(timestamp_ms / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            when = None
        return cls(topic=topic, partition=partition, offset=offset, index=index, timestamp=when)


class Timings(Message):
    """Where the time of the last attempt went, in seconds; null for a step that did not run. Steps may overlap."""

    queued_s: Seconds | None = Field(default=None, description="From the record's time until it was taken, seconds.")
    fetch_s: Seconds | None = Field(default=None, description="Reading the object, seconds.")
    decode_s: Seconds | None = Field(default=None, description="Turning bytes into page images, seconds.")
    wait_s: Seconds | None = Field(
        default=None, description="From the first page decoded to the last page taken by an engine, seconds."
    )
    wait_recognise_s: Seconds | None = Field(
        default=None, description="From the first line found to the last line taken by an engine, seconds."
    )
    ocr_s: Seconds | None = Field(default=None, description="From first page decoded to last page read, seconds.")
    detect_s: Seconds | None = Field(
        default=None, description="Batches that found its lines, each counted whole, seconds."
    )
    recognise_s: Seconds | None = Field(
        default=None, description="Batches that read its lines, each counted whole, seconds."
    )
    wait_tables_s: Seconds | None = Field(
        default=None, description="From the first table found to the last table taken by an engine, seconds."
    )
    tables_s: Seconds | None = Field(
        default=None, description="Batches that found the structure of its tables, each counted whole, seconds."
    )
    store_s: Seconds | None = Field(default=None, description="Writing the result object, seconds.")
    total_s: Seconds | None = Field(default=None, description="From taking the record until settled, seconds.")


class DocumentCompleted(Message):
    """The completion: one record a document."""

    schema_version: SchemaVersion = Field(default=SCHEMA_VERSION, description="Version of this message, major.minor.")
    document_id: Uuid = Field(description="UUIDv5 of the object read.")
    result_id: Uuid = Field(description="UUIDv5 of document, options and pipeline.")
    reference: Reference | None = Field(default=None, description="The caller's own reference, echoed.")
    status: DocumentStatus = Field(description="complete, or partial when at least one page failed.")
    source: Source = Field(description="The object that was read.")
    event: EventRef = Field(description="The first record that named the document.")
    metadata: Metadata = Field(default_factory=dict, description="The caller's own pairs, echoed.")
    page_count: Count = Field(description="Pages the document has, a count.")
    pages_by_status: PagesByStatus = Field(description="How many pages ended how.")
    result: ContentRef = Field(description="Where the full result lies.")
    pipeline: Pipeline = Field(description="What produced the result.")
    timings: Timings = Field(default_factory=Timings, description="Where the time went, in seconds.")
    attempts: int = Field(ge=1, description="Times the document was tried, a count from 1.")
    trace_id: TraceId | None = Field(default=None, description="OpenTelemetry trace, 32 hexadecimal digits.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.status != self.pages_by_status.document_status:
            raise ValueError("a document is partial exactly when a page failed")
        return self
