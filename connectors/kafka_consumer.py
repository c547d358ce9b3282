"""One member of the group: what is ours, where it starts, and what has come.

Traps that this file closes:
- The broker takes positions of a partition that has moved on, as long as the member is in the group; and it takes any
  positions from a member without an id, which is what the client becomes while it joins again. Both are checked here.
- Positions are read, stable ones only, before anything of a partition is; a rebalance in the middle of a `poll` takes
  back what that poll had gathered; offsets of one assignment only rise.
- The client keeps a partition paused while it is somebody else's, and when it comes back.
- A record that was taken from the client is always returned: an error that comes after it waits for the next poll.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.errors import failure
from connectors.kafka_client import bounded, let_go, made
from connectors.kafka_errors import RAISED, Notices, code_of, error_of, explained
from connectors.kafka_outage import Outage, trouble
from connectors.kafka_positions import committed, starts
from connectors.kafka_records import partition_of, record_of, topic_partition
from connectors.kafka_settings import KafkaSettings, member_properties
from schemas.record import Partition, Position, Record

_CLOSE_TIMEOUT_S = 10.0
_log = logging.getLogger(__name__)


class Listener(Protocol):
    def assigned(self, positions: Mapping[Partition, Position]) -> None: ...
    def revoked(self, partitions: Collection[Partition]) -> None: ...
    def lost(self, partitions: Collection[Partition]) -> None: ...


class GroupConsumer:
    """The consumer half of the broker. One thread owns it; callbacks come on that thread, inside `poll` and `close`."""

    def __init__(self, settings: KafkaSettings, topics: Sequence[str], listener: Listener) -> None:
        self._settings = settings
        self._topics = list(topics)
        self._listener = listener
        self._notices = Notices(settings.bootstrap_servers)
        self._outage = Outage(settings.unavailable_after_s)
        self._next: dict[Partition, int] = {}
        self._batch: list[Record] = []
        self._waiting_error: BaseException | None = None
        self._member_id: str | None = None
        self._left = False
        self._hearing = False
        self._polled_at = time.monotonic()
        self._consumer = self._joined()

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        self._raise_waiting()
        if self._left:
            self._join_again()
        self._batch = []
        self._polled_at = time.monotonic()
        try:
            self._gather(max_records, timeout_s)
        except RAISED as error:
            self._raise_later(explained(error_of(error), "receive", self._notices))
        self._polled_at = time.monotonic()
        self._check_outage()
        batch, self._batch = self._batch, []
        if not batch:
            self._raise_waiting()
        return batch

    def pause(self, partitions: Collection[Partition]) -> None:
        self._switch(self._consumer.pause, partitions)

    def resume(self, partitions: Collection[Partition]) -> None:
        self._switch(self._consumer.resume, partitions)

    def position(self, partition: Partition) -> int | None:
        if partition not in self._next:
            return None
        [found] = self._consumer.position([topic_partition(partition)])
        return max(found.offset, self._next[partition])

    def commit(self, positions: Mapping[Partition, Position]) -> None:
        self.check_ours(positions)
        offsets = [topic_partition(partition, position) for partition, position in positions.items()]
        if not offsets:
            return
        try:
            # This call takes no timeout; the client's own is the request's.
            call: Callable[[], Any] = partial(self._consumer.commit, offsets=offsets, asynchronous=False)
            stored = bounded(call, 2 * self._settings.request_timeout_s)
        except KafkaException as error:
            if code_of(error_of(error)) == "broker_unavailable":
                # It may still arrive, and would then undo what is committed after it. Only as a member of an older
                # generation will it be refused: so leave, and join again.
                raise failure("ownership_lost", "publish") from error
            raise explained(error_of(error), "publish", self._notices) from error
        for one in stored or ():
            if one.error is not None:
                raise explained(one.error, "publish", self._notices)

    def check_ours(self, partitions: Collection[Partition]) -> None:
        """Raises OwnershipLost unless every one of these partitions is ours as far as anybody can know here."""
        away_s = time.monotonic() - self._polled_at
        if (
            self._left
            or away_s > self._settings.max_poll_interval_s
            or not self._next.keys() >= set(partitions)
            or not self._member_id
            or self._consumer.memberid() != self._member_id
        ):
            raise failure("ownership_lost", "publish")

    def membership(self, partitions: Collection[Partition]) -> object:
        """Group metadata as of now. Checked again after it was taken: a member without an id passes every check."""
        metadata = self._consumer.consumer_group_metadata()
        self.check_ours(partitions)
        return metadata

    def committed(self, partitions: Sequence[Partition], timeout_s: float) -> list[TopicPartition]:
        """What the group has committed; waits for transactions that are still open. Raises KafkaException."""
        return committed(self._consumer, partitions, timeout_s)

    def leave(self) -> None:
        """Nothing is ours any more. The next poll tells the listener, and joins again."""
        self._left = True

    def close(self) -> None:
        """Revoked is told first, on this thread, while all is still ours; leaving then has nothing left to ask."""
        owned = sorted(self._next)
        try:
            if owned and self._left:
                self._forget(owned)
                self._listener.lost(owned)
            elif owned:
                self._listener.revoked(owned)
        finally:
            self._forget(owned)
            self._let_go()

    def _joined(self) -> Consumer:
        consumer = made(Consumer, member_properties(self._settings) | {"error_cb": self._on_error})
        consumer.subscribe(self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost)
        self._hearing = True
        return consumer

    def _join_again(self) -> None:
        lost = sorted(self._next)
        self._forget(lost)
        self._let_go()
        self._member_id = None
        self._consumer = self._joined()
        self._left = False
        if lost:
            self._listener.lost(lost)

    def _let_go(self) -> None:
        """Leave the group. What this client still calls back, from another thread, concerns nobody."""
        self._hearing = False
        let_go(self._consumer, _CLOSE_TIMEOUT_S)

    def _switch(self, call: Callable[[list[TopicPartition]], object], partitions: Collection[Partition]) -> None:
        ours = [topic_partition(partition) for partition in partitions if partition in self._next]
        if ours:
            call(ours)

    def _forget(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            self._next.pop(partition, None)
        self._batch = [record for record in self._batch if record.partition in self._next]

    # what the client calls back, inside `poll`

    def _on_assign(self, consumer: Consumer, found: list[TopicPartition]) -> None:
        if not self._hearing:
            return
        try:
            positions = starts(consumer, [partition_of(one) for one in found], self._settings)
            consumer.incremental_assign([topic_partition(*start) for start in positions.items()])
            self._member_id = consumer.memberid()
            for partition, position in positions.items():
                self._next[partition] = position.offset
            if positions:
                self._listener.assigned(positions)
        except RAISED as error:
            self._left = True
            self._raise_later(explained(error_of(error), "receive", self._notices))
        except BaseException as error:
            self._left = True
            self._raise_later(error)

    def _on_revoke(self, consumer: Consumer, found: list[TopicPartition]) -> None:
        ours = self._ours(found)
        self._tell(self._listener.lost if self._left else self._listener.revoked, ours)
        self.resume(ours)  # the client would keep it paused when it comes back, and nobody would know
        self._forget(ours)

    def _on_lost(self, consumer: Consumer, found: list[TopicPartition]) -> None:
        ours = self._ours(found)
        self.resume(ours)
        self._forget(ours)
        self._tell(self._listener.lost, ours)

    def _on_error(self, error: KafkaError) -> None:
        if self._hearing:
            self._notices(error)
            self._complain(error)

    def _ours(self, found: list[TopicPartition]) -> list[Partition]:
        partitions = (partition_of(one) for one in found)
        return sorted(partition for partition in partitions if self._hearing and partition in self._next)

    def _tell(self, tell: Callable[[Collection[Partition]], None], partitions: list[Partition]) -> None:
        """An exception must not cross the client: it is kept, and raised from `poll`."""
        try:
            if partitions:
                tell(partitions)
        except BaseException as error:
            self._raise_later(error)

    # what has come

    def _gather(self, max_records: int, timeout_s: float) -> None:
        """One by one: a batch from the client could hold records of before and after a rebalance."""
        message = self._consumer.poll(timeout_s)
        while message is not None:
            self._take(message)
            if self._waiting_error or self._left or len(self._batch) >= max_records:
                return
            message = self._consumer.poll(0)

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is not None:
            self._complain(error)
            return
        record = record_of(message)
        expected = self._next.get(record.partition)
        if expected is None:
            return
        if record.offset < expected:
            # The log was cut or made anew, and the client began it again: so does the listener.
            self._left = True
            return
        self._next[record.partition] = record.offset + 1
        self._batch.append(record)
        if self._outage.code == "broker_unavailable":
            self._outage.over()

    def _complain(self, error: KafkaError) -> None:
        code = code_of(error)
        if error.fatal():
            self._raise_later(explained(error, "receive", self._notices, self._topics))
        elif code in ("broker_unavailable", "broker_failure"):
            self._outage.note(code, time.monotonic())
        elif code in ("broker_forbidden", "topic_missing"):
            self._outage.note(code, time.monotonic())
            self._raise_later(explained(error, "receive", self._notices, self._topics))

    def _check_outage(self) -> None:
        if self._outage.due(time.monotonic()):
            code = trouble(self._consumer, self._topics, self._notices)
            if code:
                self._raise_later(failure(code, "receive", self._notices.place(self._topics)))
            else:
                self._outage.over()
                self._notices.last = None

    def _raise_later(self, error: BaseException) -> None:
        self._waiting_error = self._waiting_error or error

    def _raise_waiting(self) -> None:
        error, self._waiting_error = self._waiting_error, None
        if error is not None:
            raise error
