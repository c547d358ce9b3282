"""What a failure means: try again later, try again here, give the document up, or stop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Delays of the retry topics, in seconds, shortest first; one more attempt than there are delays."""

    delays_s: tuple[int, ...]

    def delay(self, attempt: int) -> int | None:
        """How long to wait after attempt number `attempt` (from 1) failed; None when attempts are used up."""
        return self.delays_s[attempt - 1] if 1 <= attempt <= len(self.delays_s) else None


@dataclass(frozen=True, slots=True)
class Backoff:
    """Growing pauses for what is nobody's document's fault: `first_s`, doubled each time, at most `longest_s`."""

    first_s: float
    longest_s: float
    tries: int

    def delay(self, tried: int) -> float | None:
        """The pause after try number `tried` (from 1) failed; None when no further try is due."""
        return min(self.first_s * 2.0 ** (tried - 1), self.longest_s) if tried < self.tries else None
