"""Records through a producer's queue to the broker, every failure heard."""

from __future__ import annotations

import time
from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from connectors.errors import failure
from connectors.kafka_errors import RAISED, Notices, code_of, error_of, explained
from connectors.kafka_records import produce
from schemas.record import OutRecord

_QUEUE_FULL_S = 0.1


def deliver(producer: Producer, records: Sequence[OutRecord], *, deadline: float, stage: str, notices: Notices) -> None:
    """Returns when the broker has them all. `deadline` is monotonic. Raises the cause, not what follows from it."""
    undelivered: list[tuple[KafkaError, str | None]] = []

    def heard(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            undelivered.append((error, message.topic()))

    try:
        for record in records:
            while not _queued(producer, record, heard):
                if undelivered or time.monotonic() > deadline:
                    break
        left = producer.flush(max(0.0, deadline - time.monotonic()))
    except RAISED as error:
        raise explained(error_of(error), stage, notices) from error
    if undelivered:
        causes = (one for one in undelivered if code_of(one[0]) != "transaction_aborted")
        cause, topic = next(causes, undelivered[0])
        raise explained(cause, stage, notices, [topic] if topic else ()) from KafkaException(cause)
    if left:
        raise failure("broker_unavailable", stage, notices.place())


def _queued(producer: Producer, record: OutRecord, heard: object) -> bool:
    try:
        produce(producer, record, heard)
    except BufferError:
        producer.poll(_QUEUE_FULL_S)
        return False
    return True
