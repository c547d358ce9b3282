"""Read topics from outside of any group: committed records only, nothing is moved."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Literal
from uuid import uuid4

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.errors import failure
from connectors.kafka_client import let_go, made
from connectors.kafka_errors import Notices, code_of, error_of, explained
from connectors.kafka_records import record_of
from connectors.kafka_settings import KafkaSettings, reading_properties
from pipeline.errors import PagestreamError
from schemas.record import Record

_SLICE_S = 0.2
_CLOSE_TIMEOUT_S = 5.0


class KafkaReader:
    """Reads all partitions of some topics. `start="end"` means: what is written after this reader was made."""

    def __init__(
        self, settings: KafkaSettings, topics: Sequence[str], *, start: Literal["beginning", "end"] = "beginning"
    ) -> None:
        self._timeout_s = settings.request_timeout_s
        self._notices = Notices(settings.bootstrap_servers)
        properties = reading_properties(settings) | {
            "group.id": f"{settings.application}-reader-{uuid4()}",
            "enable.partition.eof": True,
            "error_cb": self._notices,
        }
        self._consumer = made(Consumer, properties)
        try:
            self._unread = {(one.topic, one.partition) for one in self._assign(topics, start)}
        except PagestreamError:
            self.close()
            raise

    def follow(self, deadline_s: float) -> Iterator[Record]:
        """Records as they come, until the deadline."""
        deadline = time.monotonic() + deadline_s
        while time.monotonic() < deadline:
            message = self._poll(deadline)
            if message is not None and message.error() is None:
                yield record_of(message)

    def scan(self, deadline_s: float) -> Iterator[Record]:
        """Records to the end of every partition. Raises `broker_unavailable` when the deadline comes before the end."""
        deadline = time.monotonic() + deadline_s
        while self._unread:
            if time.monotonic() >= deadline:
                raise explained(KafkaError(KafkaError._TIMED_OUT), "receive", self._notices)
            message = self._poll(deadline)
            if message is None:
                continue
            if message.error() is None:
                yield record_of(message)
            else:
                self._unread.discard((message.topic(), message.partition()))

    def close(self) -> None:
        let_go(self._consumer, _CLOSE_TIMEOUT_S)

    def _assign(self, topics: Sequence[str], start: Literal["beginning", "end"]) -> list[TopicPartition]:
        assigned = []
        for topic in topics:
            try:
                assigned += self._starts(topic, start)
            except KafkaException as error:
                raise explained(error_of(error), "receive", self._notices, [topic]) from error
        self._consumer.assign(assigned)
        return assigned

    def _starts(self, topic: str, start: Literal["beginning", "end"]) -> list[TopicPartition]:
        found = self._consumer.list_topics(topic, timeout=self._timeout_s).topics[topic]
        if found.error is not None:
            raise KafkaException(found.error)
        ats = {n: OFFSET_BEGINNING if start == "beginning" else self._end(topic, n) for n in found.partitions}
        return [TopicPartition(topic, number, offset) for number, offset in ats.items()]

    def _end(self, topic: str, number: int) -> int:
        _, end = self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=self._timeout_s)
        return end

    def _poll(self, deadline: float) -> Message | None:
        """A record, the news that a partition is read to its end, or nothing yet."""
        message = self._consumer.poll(max(0.0, min(_SLICE_S, deadline - time.monotonic())))
        error = message.error() if message is not None else None
        if error is None or error.code() == KafkaError._PARTITION_EOF:
            return message
        if code_of(error) == "broker_unavailable":
            return None
        if code_of(error) == "broker_failure":
            raise failure("broker_unavailable", "receive", self._notices.place()) from KafkaException(error)
        raise explained(error, "receive", self._notices) from KafkaException(error)
