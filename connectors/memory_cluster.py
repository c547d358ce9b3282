"""A Kafka cluster in this process: topics, one group of members or several, transactions applied at once.

Faithful where it matters to a user of it: a key's records share a partition and keep their order, partitions move
between members only when their owner has been told, a transaction's end takes an offset of its own on every partition
it wrote to, and whoever is no owner commits nothing. Any thread may produce; a member belongs to one thread.
"""

from __future__ import annotations

import time
import zlib
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from threading import Condition
from typing import Literal

from connectors.errors import failure
from schemas.record import Headers, OutRecord, Partition, Position, Record

Operation = Literal["poll", "commit", "publish"]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class _Log:
    """One partition. `end` is the next offset; offsets without a record are ends of transactions."""

    start: int = 0
    end: int = 0
    records: list[Record] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    committed: dict[Partition, Position] = field(default_factory=dict)
    members: dict[int, frozenset[str]] = field(default_factory=dict)
    owners: dict[Partition, int] = field(default_factory=dict)
    taken_back: set[Partition] = field(default_factory=set)
    turn: int = 0


class MemoryCluster:
    """The cluster. Methods without an underscore are for programs and tests; those with one are for its members."""

    def __init__(self, *, max_record_bytes: int = 1_048_576, clock_ms: Callable[[], int] = _now_ms) -> None:
        self.changed = Condition()
        self.version = 0
        self._max_record_bytes = max_record_bytes
        self._clock_ms = clock_ms
        self._logs: dict[Partition, _Log] = {}
        self._order: dict[str, list[Record]] = {}
        self._groups: dict[str, _Group] = {}
        self._faults: dict[Operation, deque[str]] = {"poll": deque(), "commit": deque(), "publish": deque()}
        self._unheard = 0
        self._member_ids = count(1)
        self._spread = count()

    # what programs and tests use

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """Does nothing where the topic is there already."""
        with self.changed:
            if name not in self._order:
                self._order[name] = []
                self._logs |= {Partition(name, number): _Log() for number in range(partitions)}
                self._wake()

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers = (),
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> Record:
        """Append one record, from any thread, and wake whoever polls. Where no partition is given the key decides."""
        with self.changed:
            record = OutRecord(topic, key, value, headers)
            self._check_record(record)
            number = self._partition_of(record) if partition is None else partition
            stored = self._append(record, Partition(topic, number), timestamp_ms)
            self._wake()
            return stored

    def records(self, topic: str) -> list[Record]:
        """Everything in a topic that was not trimmed, in the order it was written."""
        with self.changed:
            return list(self._order[topic])

    def trim(self, partition: Partition, before: int) -> None:
        """Forget the records below an offset: memory stays bounded when what has been read is trimmed."""
        with self.changed:
            log = self._logs[partition]
            log.start = min(max(log.start, before), log.end)
            log.records = [record for record in log.records if record.offset >= log.start]
            self._order[partition.topic] = [
                record
                for record in self._order[partition.topic]
                if record.partition != partition or record.offset >= log.start
            ]

    def committed(self, group: str) -> dict[Partition, Position]:
        with self.changed:
            return dict(self._group(group).committed)

    def lag(self, group: str, topic: str) -> int:
        """Offsets from what the group has committed to the end, over all partitions of a topic."""
        with self.changed:
            committed = self._group(group).committed
            logs = {partition: log for partition, log in self._logs.items() if partition.topic == topic}
            return sum(
                log.end - (committed[partition].offset if partition in committed else log.start)
                for partition, log in logs.items()
            )

    def owners(self, group: str) -> dict[Partition, int]:
        """Which member (its `member_id`) owns each partition now; those on their way are absent."""
        with self.changed:
            return dict(self._group(group).owners)

    def rebalance(self, group: str) -> None:
        """Every partition leaves its owner, and goes to the next member (a lone member gets its own back)."""
        with self.changed:
            state = self._group(group)
            state.turn += 1
            state.taken_back = set(state.owners)
            self._wake()

    def lose(self, group: str, member_id: int) -> None:
        """The group gives a member up, as after a session timeout. It hears of it when it polls, and joins again."""
        with self.changed:
            self._leave(group, member_id)

    def fail(self, operation: Operation, code: str, calls: int = 1) -> None:
        """The next `calls` calls fail with this code of `connectors.errors`, before they do anything."""
        with self.changed:
            self._faults[operation].extend([code] * calls)

    def lose_answers(self, calls: int = 1) -> None:
        """The next `calls` publishes commit, but their answer is lost: the broker finds out and returns as usual."""
        with self.changed:
            self._unheard += calls

    @property
    def unheard(self) -> int:
        """How many answers are still to be lost."""
        return self._unheard

    # what members use; the lock is held

    def _wake(self) -> None:
        self.version += 1
        self.changed.notify_all()

    def _group(self, name: str) -> _Group:
        return self._groups.setdefault(name, _Group())

    def _fault(self, operation: Operation) -> None:
        stage = "receive" if operation == "poll" else "publish"
        if self._faults[operation]:
            raise failure(self._faults[operation].popleft(), stage)

    def _join(self, group: str, topics: Collection[str]) -> int:
        member_id = next(self._member_ids)
        self._group(group).members[member_id] = frozenset(topics)
        self._wake()
        return member_id

    def _leave(self, group: str, member_id: int) -> None:
        state = self._group(group)
        state.members.pop(member_id, None)
        state.owners = {partition: owner for partition, owner in state.owners.items() if owner != member_id}
        self._wake()

    def _belongs(self, group: str, member_id: int) -> bool:
        return member_id in self._group(group).members

    def _wanted(self, group: str, member_id: int) -> set[Partition]:
        """What a member should own once everybody has given back what they must."""
        state = self._group(group)
        subscribed = frozenset().union(*state.members.values())
        wanted = set()
        for index, partition in enumerate(sorted(one for one in self._logs if one.topic in subscribed)):
            able = sorted(member for member, topics in state.members.items() if partition.topic in topics)
            if able[(index + state.turn) % len(able)] == member_id:
                wanted.add(partition)
        return wanted

    def _to_give_back(self, group: str, member_id: int, owned: Collection[Partition]) -> set[Partition]:
        taken_back = self._group(group).taken_back
        wanted = self._wanted(group, member_id)
        return {partition for partition in owned if partition in taken_back or partition not in wanted}

    def _give_back(self, group: str, member_id: int, partitions: Collection[Partition]) -> None:
        state = self._group(group)
        for partition in partitions:
            if state.owners.get(partition) == member_id:
                del state.owners[partition]
                state.taken_back.discard(partition)
        self._wake()

    def _take(self, group: str, member_id: int) -> dict[Partition, Position]:
        """Own what is wanted and free, and learn where to start on it."""
        state = self._group(group)
        free = {partition for partition in self._wanted(group, member_id) if partition not in state.owners}
        state.owners |= dict.fromkeys(free, member_id)
        return {
            partition: state.committed.get(partition, Position(self._logs[partition].start))
            for partition in sorted(free)
        }

    def _read(self, partition: Partition, start: int, limit: int) -> tuple[list[Record], int]:
        """Records from an offset on, and where to read next: past the ends of transactions when there is no more."""
        log = self._logs[partition]
        first = bisect_left(log.records, start, key=lambda record: record.offset)
        records = log.records[first : first + limit]
        if first + len(records) == len(log.records):
            return records, max(start, log.end)
        return records, records[-1].offset + 1 if records else start

    def _store_positions(self, group: str, member_id: int, positions: Mapping[Partition, Position]) -> None:
        owners = self._group(group).owners
        if not self._belongs(group, member_id) or any(owners.get(partition) != member_id for partition in positions):
            raise failure("ownership_lost", "publish")
        self._group(group).committed |= positions

    def _transact(
        self, group: str, member_id: int, records: Sequence[OutRecord], positions: Mapping[Partition, Position]
    ) -> None:
        """All of it or, with an exception, nothing."""
        for record in records:
            self._check_record(record)
        self._store_positions(group, member_id, positions)
        written = {self._append(record, self._placed(record), None).partition for record in records}
        for partition in written:
            self._logs[partition].end += 1
        self._unheard = max(0, self._unheard - 1)
        self._wake()

    def _check_record(self, record: OutRecord) -> None:
        if record.topic not in self._order:
            raise failure("topic_missing", "publish", f"topic {record.topic}")
        headers = sum(len(name) + len(value) for name, value in record.headers)
        if len(record.key or b"") + len(record.value or b"") + headers >= self._max_record_bytes:
            raise failure("record_too_large", "publish")

    def _placed(self, record: OutRecord) -> Partition:
        return Partition(record.topic, self._partition_of(record))

    def _partition_of(self, record: OutRecord) -> int:
        partitions = sum(1 for partition in self._logs if partition.topic == record.topic)
        return (next(self._spread) if record.key is None else zlib.crc32(record.key)) % partitions

    def _append(self, record: OutRecord, partition: Partition, timestamp_ms: int | None) -> Record:
        log = self._logs[partition]
        stored = Record(
            partition=partition,
            offset=log.end,
            key=record.key,
            value=record.value,
            headers=record.headers,
            timestamp_ms=self._clock_ms() if timestamp_ms is None else timestamp_ms,
            leader_epoch=0,
        )
        log.records.append(stored)
        log.end += 1
        self._order[partition.topic].append(stored)
        return stored
