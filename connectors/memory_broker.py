"""One member of a group on a `MemoryCluster`: the same port, and the same laws, as the Kafka broker."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from connectors.errors import OwnershipLost, failure
from connectors.memory_cluster import MemoryCluster
from schemas.record import OutRecord, Partition, Position, Record

__all__ = ["MemoryBroker", "MemoryCluster"]


class _Listener(Protocol):
    def assigned(self, positions: Mapping[Partition, Position]) -> None: ...
    def revoked(self, partitions: Collection[Partition]) -> None: ...
    def lost(self, partitions: Collection[Partition]) -> None: ...


class MemoryBroker:
    """Consumer and transactional producer in one. One thread owns it; callbacks come on that thread, inside `poll`."""

    def __init__(self, cluster: MemoryCluster, group: str) -> None:
        self._cluster = cluster
        self._group = group
        self._topics: tuple[str, ...] = ()
        self._listener: _Listener | None = None
        self._next: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._turn = 0
        self.member_id = 0

    def subscribe(self, topics: Sequence[str], listener: _Listener) -> None:
        self._topics, self._listener = tuple(topics), listener
        self._join()

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Up to `max_records`, as soon as there are any; empty after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        cluster = self._cluster
        with cluster.changed:
            cluster._fault("poll")
        while True:
            version = cluster.version
            self._follow_group()
            with cluster.changed:
                records = self._fetch(max_records)
                remaining_s = deadline - time.monotonic()
                if records or remaining_s <= 0:
                    return records
                cluster.changed.wait_for(lambda seen=version: cluster.version != seen, remaining_s)  # type: ignore[misc]

    def pause(self, partitions: Collection[Partition]) -> None:
        self._paused |= set(partitions) & self._next.keys()

    def resume(self, partitions: Collection[Partition]) -> None:
        self._paused -= set(partitions)

    def position(self, partition: Partition) -> int | None:
        """The next offset that would be read, past the ends of transactions; None for a partition that is not ours."""
        return self._next.get(partition)

    def commit(self, positions: Mapping[Partition, Position]) -> None:
        with self._cluster.changed:
            self._cluster._fault("commit")
            self._store(positions)

    def publish(self, records: Sequence[OutRecord], positions: Mapping[Partition, Position]) -> None:
        """One transaction. See the Kafka broker for what each error promises."""
        with self._cluster.changed:
            try:
                self._cluster._fault("publish")
                self._cluster._transact(self._group, self.member_id, records, positions)
            except OwnershipLost:
                self._cluster._leave(self._group, self.member_id)
                raise

    def close(self) -> None:
        """Give everything back and leave the group. Calling it again does nothing."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        try:
            with self._cluster.changed:
                owned = sorted(self._next)
                ours = self._cluster._belongs(self._group, self.member_id)
            if owned:
                listener.revoked(owned) if ours else listener.lost(owned)
        finally:
            self._next.clear()
            with self._cluster.changed:
                self._cluster._leave(self._group, self.member_id)

    def _join(self) -> None:
        with self._cluster.changed:
            self.member_id = self._cluster._join(self._group, self._topics)

    def _store(self, positions: Mapping[Partition, Position]) -> None:
        try:
            self._cluster._store_positions(self._group, self.member_id, positions)
        except OwnershipLost:
            self._cluster._leave(self._group, self.member_id)
            raise

    def _follow_group(self) -> None:
        """Hear what the group decided: what is lost, to give back, or new. The lock is not held in callbacks."""
        listener = self._listener
        if listener is None:
            raise failure("broker_failure", "receive")
        with self._cluster.changed:
            ours = self._cluster._belongs(self._group, self.member_id)
        if not ours:
            self._lose_all(listener)
        with self._cluster.changed:
            back = self._cluster._to_give_back(self._group, self.member_id, self._next)
        if back:
            self._revoke(listener, sorted(back))
        with self._cluster.changed:
            if not self._cluster._belongs(self._group, self.member_id):
                return
            positions = self._cluster._take(self._group, self.member_id)
        if positions:
            self._next |= {partition: position.offset for partition, position in positions.items()}
            listener.assigned(positions)

    def _lose_all(self, listener: _Listener) -> None:
        lost = sorted(self._next)
        self._next.clear()
        self._paused.clear()
        self._join()
        if lost:
            listener.lost(lost)

    def _revoke(self, listener: _Listener, partitions: list[Partition]) -> None:
        try:
            listener.revoked(partitions)
        finally:
            for partition in partitions:
                del self._next[partition]
            self._paused -= set(partitions)
            with self._cluster.changed:
                self._cluster._give_back(self._group, self.member_id, partitions)

    def _fetch(self, limit: int) -> list[Record]:
        """Partitions take turns at being first, so that a busy one does not starve the others."""
        ready = sorted(self._next.keys() - self._paused)
        self._turn += 1
        found: list[Record] = []
        for index in range(len(ready)):
            partition = ready[(self._turn + index) % len(ready)]
            if len(found) < limit:
                records, self._next[partition] = self._cluster._read(
                    partition, self._next[partition], limit - len(found)
                )
                found += records
        return found
