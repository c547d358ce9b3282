"""What this process takes, looked at now and then."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from pipeline.clock import Clock

EVERY_S = 5.0


def resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


class Memory:
    def __init__(self, clock: Clock, *, every_s: float = EVERY_S, resident: Callable[[], int] = resident_bytes) -> None:
        self._clock = clock
        self._every_s = every_s
        self._resident = resident
        self._due = 0.0

    def look(self) -> int | None:
        """Resident bytes; None while the last look is younger than `every_s`."""
        now = self._clock()
        if now < self._due:
            return None
        self._due = now + self._every_s
        return self._resident()
