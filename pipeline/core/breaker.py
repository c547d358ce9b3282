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
    """Once tripped it stays so: a success among what is still in flight does not mend a deployment.

    `_failures` are the numbers of those documents that failed, among the last `window`.
    """

    def __init__(self, policy: BreakerPolicy) -> None:
        self._policy = policy
        self._run = 0
        self._seen = 0
        self._failures: deque[int] = deque()
        self.tripped = False

    def record(self, *, failed: bool) -> None:
        self._seen += 1
        self._run = self._run + 1 if failed else 0
        if failed:
            self._failures.append(self._seen)
        while self._failures and self._failures[0] <= self._seen - self._policy.window:
            self._failures.popleft()
        self.tripped = self.tripped or self._is_flood()

    def _is_flood(self) -> bool:
        full = self._seen >= self._policy.window
        return self._run >= self._policy.max_run or (
            full and len(self._failures) >= self._policy.max_ratio * self._policy.window
        )
