"""Which items go to an engine together, and when.

A batch never mixes buckets (an item's padded shape is its own business) but freely mixes documents. It is asked for by
a free lane: an idle lane takes whatever there is; a lane that is busy gets its next batch prepared only once that
batch is full or its oldest item has waited too long.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeVar

Closed = Literal["full", "overdue", "idle", "alone"]
"""Why a batch was closed: it was full; its oldest item waited too long; a lane was idle; it is run by itself."""


class Batchable(Protocol):
    @property
    def bucket(self) -> Hashable: ...

    @property
    def cost(self) -> int: ...


B = TypeVar("B", bound=Batchable)


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """Limits of one batch. `max_cost` is in the unit of the items' padded cost; an item above it goes alone."""

    max_items: int
    max_cost: int
    max_wait_s: float


@dataclass(frozen=True, slots=True)
class Chosen(Generic[B]):
    items: tuple[B, ...]
    closed: Closed


@dataclass(slots=True)
class _Bucket(Generic[B]):
    items: deque[tuple[B, float]] = field(default_factory=deque)
    cost: int = 0


class Batcher(Generic[B]):
    """The waiting items of one stage."""

    def __init__(self, policy: BatchPolicy) -> None:
        self._policy = policy
        self._buckets: dict[Hashable, _Bucket[B]] = {}
        self._alone: deque[B] = deque()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def add(self, item: B, now: float) -> None:
        bucket = self._buckets.setdefault(item.bucket, _Bucket())
        bucket.items.append((item, now))
        bucket.cost += item.cost
        self._waiting += 1

    def add_alone(self, item: B) -> None:
        """An item whose batch failed: it runs by itself, before anything else, so that the fault stays its own."""
        self._alone.append(item)
        self._waiting += 1

    def ready(self, now: float) -> Chosen[B] | None:
        """The batch that should not wait any longer, oldest first."""
        if self._alone:
            self._waiting -= 1
            return Chosen((self._alone.popleft(),), "alone")
        full = [b for b in self._buckets.values() if self._is_full(b)]
        if full:
            return self._take(min(full, key=_oldest), "full")
        overdue = [b for b in self._buckets.values() if _oldest(b) + self._policy.max_wait_s <= now]
        return self._take(min(overdue, key=_oldest), "overdue") if overdue else None

    def partial(self) -> Chosen[B] | None:
        """For a lane that would otherwise be idle: the bucket that has waited longest, full or not."""
        return self._take(min(self._buckets.values(), key=_oldest), "idle") if self._buckets else None

    def discard(self, unwanted: Callable[[B], bool]) -> None:
        self._alone = deque(item for item in self._alone if not unwanted(item))
        for key, bucket in list(self._buckets.items()):
            bucket.items = deque((item, at) for item, at in bucket.items if not unwanted(item))
            bucket.cost = sum(item.cost for item, _ in bucket.items)
            if not bucket.items:
                del self._buckets[key]
        self._waiting = len(self._alone) + sum(len(b.items) for b in self._buckets.values())

    def due(self) -> float | None:
        """When the oldest waiting item becomes overdue."""
        oldest = min((_oldest(b) for b in self._buckets.values()), default=None)
        return None if oldest is None else oldest + self._policy.max_wait_s

    def _is_full(self, bucket: _Bucket[B]) -> bool:
        return len(bucket.items) >= self._policy.max_items or bucket.cost >= self._policy.max_cost

    def _take(self, bucket: _Bucket[B], closed: Closed) -> Chosen[B]:
        key = bucket.items[0][0].bucket
        items: list[B] = []
        cost = 0
        while bucket.items and len(items) < self._policy.max_items:
            item = bucket.items[0][0]
            if items and cost + item.cost > self._policy.max_cost:
                break
            bucket.items.popleft()
            items.append(item)
            cost += item.cost
        bucket.cost -= cost
        if not bucket.items:
            del self._buckets[key]
        self._waiting -= len(items)
        return Chosen(tuple(items), closed)


def _oldest(bucket: _Bucket[B]) -> float:
    return bucket.items[0][1]
