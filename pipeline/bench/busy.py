"""Were the engines at work, or did they wait? From the batches that lanes ran."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from pipeline.core.events import BatchDone


@dataclass(slots=True)
class Busy:
    """Sums over any number of batches. `seconds`: time in batches by stage, all lanes together."""

    seconds: dict[str, float] = field(default_factory=dict)
    first: float = math.inf
    last: float = -math.inf

    def add(self, batch: BatchDone) -> None:
        self.seconds[batch.stage] = self.seconds.get(batch.stage, 0.0) + batch.ended - batch.started
        self.first = min(self.first, batch.started)
        self.last = max(self.last, batch.ended)

    def idle(self, lanes: int) -> float:
        """Seconds in which lanes had no batch, all of them together, from the first batch's start to the last's end."""
        return max(0.0, lanes * (self.last - self.first) - sum(self.seconds.values())) if self.seconds else 0.0

    def share(self, lanes: int) -> float | None:
        """Time in batches, over the lanes' time from the first batch's start to the last one's end."""
        if self.last <= self.first:
            return None
        return sum(self.seconds.values()) / (lanes * (self.last - self.first))
