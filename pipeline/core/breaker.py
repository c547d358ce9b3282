"""When do so many documents fail that the deployment must be at fault?

A bad release would otherwise empty the whole topic into the dead-letter topic. Two limits, either trips: a run of
failures without a success between, and the share of failures among the last `window` documents.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    max_run: int
    max_ratio: float
    window: int


class Breaker:
    def __init__(self, policy: BreakerPolicy) -> None:
        self._policy = policy
        self._run = 0
        self._failed = 0
        self._recent: deque[bool] = deque(maxlen=policy.window)

    def record(self, *, failed: bool) -> None:
        self._run = self._run + 1 if failed else 0
        if len(self._recent) == self._policy.window:
            self._failed -= self._recent[0]
        self._recent.append(failed)
        self._failed += failed

    @property
    def tripped(self) -> bool:
        full = len(self._recent) == self._policy.window
        return self._run >= self._policy.max_run or (
            full and self._failed >= self._policy.max_ratio * self._policy.window
        )
