"""Which items go to an engine together, and when.

A batch never mixes buckets (an item's padded shape is its own business) but freely mixes documents. It is asked for by
a free lane. Full batches go first; an idle lane takes whatever there is; a lane that is busy gets its next batch
prepared once that batch is full or has waited. A bucket that full ones keep passing over has its turn in the end.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar

Closed = Literal["full", "overdue", "idle", "alone"]
"""Why a batch was closed: it was full; its items waited too long; a lane was idle; it is run by itself."""

PASSED_OVER = 4
"""So many times `max_wait_s` a bucket is passed over by full ones, then it counts as full: it goes when its first
item's turn has come."""


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


class _Waiting(NamedTuple, Generic[B]):
    """An item in line: by its turn, and among equals by its arrival, which no two share."""

    turn: int
    arrival: int
    item: B
    since: float


@dataclass(slots=True)
class _Bucket(Generic[B]):
    """Items of one shape: a heap by turn. `oldest` is when the first of them came, `served` when it was last taken."""

    line: list[_Waiting[B]] = field(default_factory=list)
    cost: int = 0
    oldest: float = math.inf
    served: float = -math.inf

    def push(self, waiting: _Waiting[B]) -> None:
        heapq.heappush(self.line, waiting)
        self.cost += waiting.item.cost
        self.oldest = min(self.oldest, waiting.since)

    def pop(self) -> B:
        """Leaves `oldest` as it was: `recall` it after the last."""
        item = heapq.heappop(self.line).item
        self.cost -= item.cost
        return item

    def recall(self) -> None:
        self.oldest = min((waiting.since for waiting in self.line), default=math.inf)

    def keep(self, line: Iterable[_Waiting[B]]) -> None:
        self.line = list(line)
        heapq.heapify(self.line)
        self.cost = sum(waiting.item.cost for waiting in self.line)
        self.recall()


class Batcher(Generic[B]):
    """The waiting items of one stage.

    `owner`: items of one owner take turns with those of others, one a round, whoever came first and with how many;
    without it the first to come is the first to go.
    """

    def __init__(self, policy: BatchPolicy, *, owner: Callable[[B], Hashable] | None = None) -> None:
        self._policy = policy
        self._owner = owner
        self._round = 0
        self._turns: dict[Hashable, int] = {}
        self._owned: Counter[Hashable] = Counter()
        self._arrivals = 0
        self._buckets: dict[Hashable, _Bucket[B]] = {}
        self._alone: deque[B] = deque()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def add(self, item: B, now: float) -> None:
        self._arrivals += 1
        self._buckets.setdefault(item.bucket, _Bucket()).push(_Waiting(self._turn(item), self._arrivals, item, now))
        self._waiting += 1

    def add_alone(self, item: B) -> None:
        """An item whose batch failed: it runs by itself, before anything else, so that the fault stays its own."""
        self._alone.append(item)
        self._waiting += 1

    def ready(self, now: float) -> Chosen[B] | None:
        """The batch that gains nothing by waiting: one that was passed over for too long, or is full."""
        if self._alone:
            self._waiting -= 1
            return Chosen((self._alone.popleft(),), "alone")
        return self._next(now, lambda bucket: self._is_full(bucket) or self._is_passed_over(bucket, now))

    def overdue(self, now: float) -> Chosen[B] | None:
        """The batch that has waited for company long enough."""
        return self._next(now, lambda bucket: bucket.oldest + self._policy.max_wait_s <= now)

    def partial(self, now: float) -> Chosen[B] | None:
        """For a lane that would otherwise be idle: whichever is next, full or not."""
        return self._next(now, lambda bucket: True)

    def discard(self, unwanted: Callable[[B], bool]) -> None:
        self._alone = deque(item for item in self._alone if not unwanted(item))
        for key, bucket in list(self._buckets.items()):
            self._forget(waiting.item for waiting in bucket.line if unwanted(waiting.item))
            bucket.keep(waiting for waiting in bucket.line if not unwanted(waiting.item))
            if not bucket.line:
                del self._buckets[key]
        self._waiting = len(self._alone) + sum(len(b.line) for b in self._buckets.values())

    def due(self) -> float | None:
        """When the oldest waiting item becomes overdue."""
        oldest = min((bucket.oldest for bucket in self._buckets.values()), default=None)
        return None if oldest is None else oldest + self._policy.max_wait_s

    def _is_full(self, bucket: _Bucket[B]) -> bool:
        return len(bucket.line) >= self._policy.max_items or bucket.cost >= self._policy.max_cost

    def _is_passed_over(self, bucket: _Bucket[B], now: float) -> bool:
        return max(bucket.oldest, bucket.served) + PASSED_OVER * self._policy.max_wait_s <= now

    def _next(self, now: float, wanted: Callable[[_Bucket[B]], bool]) -> Chosen[B] | None:
        buckets = [bucket for bucket in self._buckets.values() if wanted(bucket)]
        return self._take(min(buckets, key=lambda bucket: bucket.line[0]), now) if buckets else None

    def _take(self, bucket: _Bucket[B], now: float) -> Chosen[B]:
        closed = self._why(bucket, now)
        self._round = max(self._round, bucket.line[0].turn)
        items: list[B] = []
        cost = 0
        while bucket.line and len(items) < self._policy.max_items:
            if items and cost + bucket.line[0].item.cost > self._policy.max_cost:
                break
            items.append(bucket.pop())
            cost += items[-1].cost
        bucket.recall()
        bucket.served = now
        if not bucket.line:
            del self._buckets[items[0].bucket]
        self._forget(items)
        self._waiting -= len(items)
        return Chosen(tuple(items), closed)

    def _why(self, bucket: _Bucket[B], now: float) -> Closed:
        if self._is_full(bucket):
            return "full"
        return "overdue" if bucket.oldest + self._policy.max_wait_s <= now else "idle"

    def _turn(self, item: B) -> int:
        """The round an item is for: after the one that is served, and after the owner's items before it."""
        if self._owner is None:
            return 0
        owner = self._owner(item)
        self._owned[owner] += 1
        self._turns[owner] = max(self._round, self._turns.get(owner, 0)) + 1
        return self._turns[owner]

    def _forget(self, items: Iterable[B]) -> None:
        """Of an owner without waiting items nothing is kept."""
        if self._owner is None:
            return
        for owner in map(self._owner, items):
            self._owned[owner] -= 1
            if not self._owned[owner]:
                del self._owned[owner], self._turns[owner]
