"""Passes to figures. A ratio is taken within a round, where both sides met the same machine; then the median is."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.bench.side import Pass

Round = Mapping[str, Pass]


@dataclass(frozen=True, slots=True)
class Spread:
    """Of one figure over the rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


def spread(rounds: Sequence[Round], side: str, figure: Callable[[Pass], float]) -> Spread:
    return Spread.of([figure(one[side]) for one in rounds])


def ratios(rounds: Sequence[Round], side: str, over: str) -> Spread:
    """How many times as many images a second `side` reads as `over` does. By images, for the two need not find the
    same number of pages in a file."""
    return Spread.of([_ratio(one[side].images_per_s, one[over].images_per_s) for one in rounds])


def cpu_ratio(rounds: Sequence[Round], side: str, over: str) -> float:
    """How many times as much processor time an image costs `over` as it costs `side`, median."""
    return statistics.median(_ratio(one[over].cpu_per_image, one[side].cpu_per_image) for one in rounds)


def stage_seconds(rounds: Sequence[Round], side: str) -> dict[str, float]:
    """Median over the rounds, by step."""
    steps = dict.fromkeys(step for one in rounds for step in one[side].stages)
    return {step: statistics.median(one[side].stages.get(step, 0.0) for one in rounds) for step in steps}


def busy_share(rounds: Sequence[Round], side: str) -> float | None:
    shares = [share for one in rounds if (share := one[side].busy_share) is not None]
    return statistics.median(shares) if shares else None


def _ratio(one: float, other: float) -> float:
    return one / other if other > 0 else 0.0
