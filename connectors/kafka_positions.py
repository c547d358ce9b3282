"""Where does a partition begin for us: what the group has committed, or the earliest record."""

from __future__ import annotations

import time
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition

from connectors.kafka_errors import code_of, error_of
from connectors.kafka_records import partition_of, position_of, topic_partition
from connectors.kafka_settings import KafkaSettings
from schemas.record import Partition, Position

_PAUSE_S = 0.1


def committed(consumer: Consumer, partitions: Sequence[Partition], timeout_s: float) -> list[TopicPartition]:
    """What the group has committed; waits for transactions that are still open. Raises KafkaException."""
    found = consumer.committed([topic_partition(partition) for partition in partitions], timeout=timeout_s)
    for one in found:
        if one.error is not None:
            raise KafkaException(one.error)
    return found


def starts(consumer: Consumer, partitions: Sequence[Partition], settings: KafkaSettings) -> dict[Partition, Position]:
    """Where to begin. The last owner may have died in a transaction: its positions settle when that times out."""
    if not partitions:
        return {}
    deadline = time.monotonic() + settings.transaction_timeout_s + settings.request_timeout_s
    while True:
        try:
            found = committed(consumer, partitions, settings.request_timeout_s)
            return {partition_of(one): _start(consumer, one, settings.request_timeout_s) for one in found}
        except KafkaException as error:
            if code_of(error_of(error)) != "broker_unavailable" or time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE_S)


def _start(consumer: Consumer, found: TopicPartition, timeout_s: float) -> Position:
    """The committed position; the earliest record where there is none, or where the log ends before it."""
    low, high = consumer.get_watermark_offsets(topic_partition(partition_of(found)), timeout=timeout_s)
    return position_of(found) if 0 <= found.offset <= high else Position(low)
