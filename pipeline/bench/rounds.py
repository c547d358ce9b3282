"""In which order are sides measured, so that a machine that slows down slows all of them?

Every round has each side once; the order moves on by one from round to round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from pipeline.bench.side import Files, Pass

T = TypeVar("T")
Heard = Callable[[str, int], None]
"""A side's name, and how many pages more it has read."""


class Runs(Protocol):
    @property
    def name(self) -> str: ...

    def run(self, files: Files, on_pages: Callable[[int], None]) -> Pass: ...


def rotated(sides: Sequence[T], turn: int) -> list[T]:
    start = turn % len(sides) if sides else 0
    return [*sides[start:], *sides[:start]]


def alternate(sides: Sequence[Runs], files: Files, *, repeat: int, heard: Heard) -> list[dict[str, Pass]]:
    """One entry a round: the side's name -> its pass."""
    rounds = []
    for turn in range(repeat):
        rounds.append({side.name: side.run(files, _told(heard, side.name)) for side in rotated(sides, turn)})
    return rounds


def _told(heard: Heard, name: str) -> Callable[[int], None]:
    return lambda count: heard(name, count)
