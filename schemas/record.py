"""A Kafka record as we read it and as we write it, free of any client library."""

from __future__ import annotations

from dataclasses import dataclass

Headers = tuple[tuple[str, bytes], ...]
"""Header names in order, duplicates allowed, as Kafka has them. A null header value is read as b''."""


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """One partition of one topic."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record as read. `value` is None for a tombstone; `timestamp_ms` is None where the broker has none."""

    partition: Partition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int | None = None
    leader_epoch: int | None = None


@dataclass(frozen=True, slots=True)
class OutRecord:
    """One record to write. The broker stamps partition, offset and time."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Position:
    """Where a group stands on a partition: the next offset to process, and what is finished above it (`metadata`)."""

    offset: int
    metadata: str = ""
    leader_epoch: int | None = None
