"""Was it committed? One transaction a publish, and an answer that is certain.

librdkafka speaks the first version of the transaction protocol, in which a producer that did not hear the end of its
transaction can't go on. So it is thrown away; a new one with the same transactional id makes the broker finish or
abort what was open, and shuts the old one out. Then the committed positions are read: each publish marks them with a
token of its own, and positions and records stand or fall together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from uuid import uuid4

from confluent_kafka import KafkaException, Producer, TopicPartition

from connectors.errors import failure
from connectors.kafka_client import bounded, let_go, made
from connectors.kafka_delivery import deliver
from connectors.kafka_errors import RAISED, Notices, code_of, error_of, explained
from connectors.kafka_records import carries_token, new_token, topic_partition
from connectors.kafka_settings import KafkaSettings, transaction_properties
from pipeline.errors import PagestreamError
from schemas.record import OutRecord, Partition, Position

Committed = Callable[[Sequence[Partition], float], list[TopicPartition]]
"""Reads what the group has committed, stable positions only; the second argument is a timeout in seconds."""

_SLICE_S = 2.0
_PAUSE_S = 0.2


class Transactions:
    """The transactional producer of one process. One thread owns it."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._notices = Notices(settings.bootstrap_servers)
        self._transactional_id = f"{settings.application}-{uuid4()}"
        self._producer: Producer | None = None
        self._numbers = count(1)

    def publish(
        self,
        records: Sequence[OutRecord],
        positions: Mapping[Partition, Position],
        *,
        group: Callable[[], object],
        committed: Committed,
    ) -> None:
        """Returns when committed for certain. `group` gives the membership as of now, or raises OwnershipLost.

        Raises Retryable or Environment when certainly nothing was committed, OwnershipLost likewise, Fatal otherwise.
        """
        deadline = time.monotonic() + self._settings.publish_timeout_s
        token = new_token(next(self._numbers))
        producer = self._ready(deadline)
        try:
            self._fill(producer, records, deadline)
            if positions:
                self._send_positions(producer, positions, token, group, deadline)
        except PagestreamError as error:
            self._abandon(producer, error.code)
            raise
        try:
            _repeated(lambda left: producer.commit_transaction(left), deadline)
        except RAISED as error:
            self._resolve(error, positions, token, committed)
        self._notices.last = None

    def close(self) -> None:
        if self._producer is not None:
            self._discard(self._producer)

    def _ready(self, deadline: float) -> Producer:
        """The producer, made and registered where there is none. Registering ends what an earlier one left open."""
        if self._producer is not None:
            return self._producer
        properties = transaction_properties(self._settings, self._transactional_id)
        producer = made(Producer, properties | {"error_cb": self._notices})
        try:
            _repeated(lambda left: producer.init_transactions(left), deadline)
        except RAISED as error:
            producer.poll(0)
            let_go(producer, _SLICE_S)
            raise explained(error_of(error), "publish", self._notices) from error
        self._notices.last = None
        self._producer = producer
        return producer

    def _fill(self, producer: Producer, records: Sequence[OutRecord], deadline: float) -> None:
        try:
            producer.begin_transaction()
        except RAISED as error:
            raise explained(error_of(error), "publish", self._notices) from error
        deliver(producer, records, deadline=deadline, stage="publish", notices=self._notices)

    def _send_positions(
        self,
        producer: Producer,
        positions: Mapping[Partition, Position],
        token: str,
        group: Callable[[], object],
        deadline: float,
    ) -> None:
        offsets = [topic_partition(partition, position, token) for partition, position in positions.items()]
        membership = group()
        try:
            _repeated(lambda left: producer.send_offsets_to_transaction(offsets, membership, left), deadline)
        except RAISED as error:
            raise explained(error_of(error), "publish", self._notices) from error

    def _abandon(self, producer: Producer, code: str) -> None:
        """End a transaction that was never told to commit, so that nobody waits for it, and start afresh.

        A producer that goes on after a failed record has a gap in its sequence, which aborts its next transaction too.
        """
        if code != "broker_unavailable":
            with suppress(*RAISED):
                bounded(partial(producer.abort_transaction, _SLICE_S), 2 * _SLICE_S)
        self._discard(producer)

    def _discard(self, producer: Producer) -> None:
        self._producer = None
        let_go(producer, _SLICE_S)

    def _resolve(
        self,
        error: KafkaException | SystemError,
        positions: Mapping[Partition, Position],
        token: str,
        committed: Committed,
    ) -> None:
        """Find out what became of a transaction that was told to commit. Returns when it was committed."""
        if self._producer is not None:
            self._discard(self._producer)
        deadline = time.monotonic() + self._settings.resolve_timeout_s
        while positions and time.monotonic() < deadline:
            try:
                self._ready(min(deadline, time.monotonic() + self._settings.publish_timeout_s))
                found = committed(sorted(positions), self._settings.request_timeout_s)
            except (PagestreamError, *RAISED):
                time.sleep(_PAUSE_S)
                continue
            if any(carries_token(one, token) for one in found):
                return
            fenced = code_of(error_of(error)) == "fenced"
            raise failure("fenced" if fenced else "transaction_aborted", "publish") from error
        raise failure("outcome_unknown", "publish") from error


def _repeated(call: Callable[[float], object], deadline: float) -> None:
    """Make a call until it is done, as its errors allow, with the time left."""
    while True:
        try:
            left_s = max(0.1, min(_SLICE_S, deadline - time.monotonic()))
            bounded(partial(call, left_s), left_s + _SLICE_S)
            return
        except RAISED as error:
            if not error_of(error).retriable() or time.monotonic() >= deadline:
                raise
