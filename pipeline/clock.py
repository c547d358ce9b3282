"""Seconds since the epoch that never go back: a time stamp and a stopwatch in one."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]


def steady_clock() -> Clock:
    """Anchored to the wall clock once; from then on the monotonic clock counts, so a step of NTP shifts nothing."""
    anchor = time.time() - time.monotonic()
    return lambda: anchor + time.monotonic()
