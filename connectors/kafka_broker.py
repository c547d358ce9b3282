"""Kafka as the service sees it: poll records, and publish outcomes and positions in one transaction.

One thread owns it, the consumer *and* the transactional producer, because a publish must know what the group decided.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from connectors.errors import OwnershipLost, failure
from connectors.kafka_consumer import GroupConsumer, Listener
from connectors.kafka_settings import KafkaSettings
from connectors.kafka_transactions import Transactions
from schemas.record import OutRecord, Partition, Position, Record


class KafkaBroker:
    """A member of the group. Callbacks come on the owning thread, inside `poll` and `close`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._transactions = Transactions(settings)
        self._consumer: GroupConsumer | None = None

    def subscribe(self, topics: Sequence[str], listener: Listener) -> None:
        """Join the group. Once: a second call is a mistake."""
        if self._consumer is not None:
            raise failure("broker_failure", "receive")
        self._consumer = GroupConsumer(self._settings, topics, listener)

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Up to `max_records`, as soon as there are any; empty after `timeout_s`, or when there was only a callback.

        Raises Environment for what has lasted too long, and whatever a callback raised. Records are never lost to an
        error: it is raised by the next call then.
        """
        return self._member().poll(max_records, timeout_s)

    def pause(self, partitions: Collection[Partition]) -> None:
        """Read nothing more of these for now. A partition newly assigned is not paused."""
        self._member().pause(partitions)

    def resume(self, partitions: Collection[Partition]) -> None:
        self._member().resume(partitions)

    def position(self, partition: Partition) -> int | None:
        """The next offset that would be read, past the ends of transactions; None for a partition that is not ours.

        Committing this once nothing of the partition is in work lets its lag reach 0.
        """
        return self._member().position(partition)

    def commit(self, positions: Mapping[Partition, Position]) -> None:
        """Store positions without a transaction. Raises as `publish` does.

        A commit that did not return in time may arrive later, so it costs the membership: OwnershipLost.
        """
        with self._leaving_when_lost() as member:
            member.commit(positions)

    def publish(self, records: Sequence[OutRecord], positions: Mapping[Partition, Position]) -> None:
        """Write all records and positions in one transaction, or none. Returns only when committed for certain.

        Raises Retryable or Environment when certainly nothing was committed: the call may be repeated. OwnershipLost,
        when the group moved on: never repeat it. Fatal, when the outcome can't be learnt or the call can't ever work.
        Without positions an unheard outcome can't be learnt.
        """
        if not records and not positions:
            return
        with self._leaving_when_lost() as member:
            if positions:
                member.check_ours(positions)
            self._transactions.publish(
                records, positions, group=lambda: member.membership(positions), committed=member.committed
            )

    def close(self) -> None:
        """Give partitions back (`revoked` may publish), leave the group, end. Calling it again does nothing."""
        try:
            if self._consumer is not None:
                self._consumer.close()
        finally:
            self._consumer = None
            self._transactions.close()

    def _member(self) -> GroupConsumer:
        if self._consumer is None:
            raise failure("broker_failure", "receive")
        return self._consumer

    @contextmanager
    def _leaving_when_lost(self) -> Iterator[GroupConsumer]:
        member = self._member()
        try:
            yield member
        except OwnershipLost:
            member.leave()
            raise
