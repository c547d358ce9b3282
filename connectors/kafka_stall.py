"""Which partition has been silent for so long that somebody should look?

A client may stop fetching a partition after brokers were away, without a word, while it stays a good member of the
group (reported of several releases of librdkafka). So long silence is compared with the partition's end.
"""

from __future__ import annotations

from collections.abc import Collection

from schemas.record import Partition


class Silence:
    """When each partition was last heard of. Times are monotonic seconds."""

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._heard_at: dict[Partition, float] = {}
        self._suspected: set[Partition] = set()

    def heard(self, partition: Partition, now: float) -> None:
        self._heard_at[partition] = now
        self._suspected.discard(partition)

    def forget(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            self._heard_at.pop(partition, None)
            self._suspected.discard(partition)

    def overdue(self, now: float) -> Partition | None:
        """The one silent for longest, if that is too long. It is named once a period."""
        if not self._heard_at:
            return None
        partition, at = min(self._heard_at.items(), key=lambda item: item[1])
        if now - at < self._longest_s:
            return None
        self._heard_at[partition] = now
        return partition

    def confirmed(self, partition: Partition) -> bool:
        """It has records and gave none. Once may be chance, a record that came just now; twice in a row is not."""
        if partition in self._suspected:
            return True
        self._suspected.add(partition)
        return False
