"""Which engine lanes have shown that they read: only those are given work.

A lane looks at its known page before its first batch and again now and then, between two batches. One that fails has
ended. One that does not come back from a look is noticed as one that does not come back from a batch.
"""

from __future__ import annotations


class Proving:
    """Lanes are numbered from 0."""

    def __init__(self, lanes: int, *, deadline_s: float) -> None:
        self._lanes = lanes
        self._deadline_s = deadline_s
        self._looking: dict[int, float] = {}
        self._proved: set[int] = set()
        self._failed: set[int] = set()

    @property
    def live(self) -> int:
        """Lanes that take batches."""
        return len(self._proved)

    @property
    def starting(self) -> bool:
        """Whether a lane has yet to say for the first time whether it reads."""
        return len(self._proved | self._failed) < self._lanes

    @property
    def whole(self) -> bool:
        """Whether every lane reads."""
        return len(self._proved) == self._lanes

    def looking(self, lane: int, now: float) -> None:
        self._looking[lane] = now

    def passed(self, lane: int) -> None:
        self._looking.pop(lane, None)
        self._proved.add(lane)

    def failed(self, lane: int) -> None:
        self._looking.pop(lane, None)
        self._proved.discard(lane)
        self._failed.add(lane)

    def stalled(self, now: float) -> bool:
        """A lane has been at its known page for too long."""
        return any(since + self._deadline_s <= now for since in self._looking.values())

    def due(self) -> float | None:
        """When a lane that looks now will be late."""
        return min((since + self._deadline_s for since in self._looking.values()), default=None)
