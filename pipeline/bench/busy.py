"""Were the engines at work, or did they wait? From the batches that lanes ran."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pipeline.core.events import BatchDone


def busy_share(batches: Sequence[BatchDone], lanes: int) -> float | None:
    """Time in batches, over the lanes' time from the first batch's start to the last one's end."""
    if not batches:
        return None
    span = max(batch.ended for batch in batches) - min(batch.started for batch in batches)
    busy = sum(batch.ended - batch.started for batch in batches)
    return busy / (lanes * span) if span > 0 else 1.0


def stage_seconds(batches: Sequence[BatchDone]) -> dict[str, float]:
    """Seconds that lanes spent in batches, by stage, all lanes together."""
    seconds: dict[str, float] = defaultdict(float)
    for batch in batches:
        seconds[batch.stage] += batch.ended - batch.started
    return dict(seconds)
