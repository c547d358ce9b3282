"""Records and positions between our types and the Kafka client's."""

from __future__ import annotations

import re
import secrets
from typing import Any, Final

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message, Producer, TopicPartition

from schemas.record import OutRecord, Partition, Position, Record

_TOKEN: Final = ";t="
"""Ends a position's metadata on the broker, before the mark of the transaction that wrote it. Never seen outside."""


_MARK: Final = re.compile(r";t=[0-9a-f]+\.[0-9a-f]{16}\Z")


def new_token(number: int) -> str:
    """A mark that no other publish has: `number` tells those of one process apart, chance does the rest."""
    return f"{number:x}.{secrets.token_hex(8)}"


def record_of(message: Message) -> Record:
    kind, timestamp_ms = message.timestamp()
    headers: Any = message.headers() or ()
    return Record(
        partition=Partition(message.topic() or "", message.partition() or 0),
        offset=message.offset() or 0,
        key=_bytes(message.key()),
        value=_bytes(message.value()),
        headers=tuple((name, value or b"") for name, value in headers),
        timestamp_ms=None if kind == TIMESTAMP_NOT_AVAILABLE else timestamp_ms,
        leader_epoch=message.leader_epoch(),
    )


def produce(producer: Producer, record: OutRecord, on_delivery: Any) -> None:
    """Hand one record to the client's queue; headers included (`produce_batch` would drop them)."""
    producer.produce(
        record.topic, value=record.value, key=record.key, headers=list(record.headers), on_delivery=on_delivery
    )


def topic_partition(partition: Partition, position: Position | None = None, token: str = "") -> TopicPartition:
    if position is None:
        return TopicPartition(partition.topic, partition.number)
    metadata = f"{position.metadata}{_TOKEN}{token}" if token else position.metadata
    if position.leader_epoch is None:
        return TopicPartition(partition.topic, partition.number, position.offset, metadata)
    return TopicPartition(
        partition.topic, partition.number, position.offset, metadata, leader_epoch=position.leader_epoch
    )


def partition_of(found: TopicPartition) -> Partition:
    return Partition(found.topic, found.partition)


def position_of(committed: TopicPartition) -> Position:
    """A committed position as its writer meant it, without the mark of its transaction."""
    return Position(committed.offset, _MARK.sub("", committed.metadata or ""), committed.leader_epoch)


def carries_token(committed: TopicPartition, token: str) -> bool:
    return (committed.metadata or "").endswith(f"{_TOKEN}{token}")


def _bytes(data: str | bytes | None) -> bytes | None:
    return data.encode() if isinstance(data, str) else data
