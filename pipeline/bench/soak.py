"""Does memory stay flat? The same files round and round, in one local worker, until so many pages were read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from pipeline.bench.documents import Documents
from pipeline.bench.memory import Curve
from pipeline.bench.ours import OurSide
from pipeline.bench.process import Remote
from pipeline.bench.side import Files, Pass, Tell
from pipeline.settings import Settings
from schemas.failures import DeadLetter

POINTS = 60
"""Of the curve."""


@dataclass(frozen=True, slots=True)
class SoakKind:
    """`pages`: those of each document, by name. Reads documents until they have `wanted` pages together."""

    settings: Settings
    pages: Mapping[str, int]
    wanted: int

    def load(self) -> SoakSide:
        return SoakSide(OurSide(self.settings), self.pages, self.wanted)


@dataclass(frozen=True, slots=True)
class SoakSide:
    """A side that keeps nothing of what it reads."""

    side: OurSide
    pages: Mapping[str, int]
    wanted: int

    def run(self, files: Files, tell: Tell) -> Pass:
        began, failed = time.perf_counter(), dict[str, str]()
        told = _Counted(tell)
        for key, outcome, _ in self.side.read(self._round_and_round(files), told):
            if isinstance(outcome, DeadLetter):
                failed[key.partition("/")[2]] = outcome.code
        return Pass(seconds=time.perf_counter() - began, pages=told.pages, lines=0, failed=failed)

    def close(self) -> None:
        self.side.close()

    def _round_and_round(self, files: Files) -> Iterator[tuple[str, Path]]:
        """Each time under another name: the same document is not twice in flight."""
        offered = 0
        for turn in count(1):
            for name, path in files.items():
                if offered >= self.wanted:
                    return
                offered += self.pages[name]
                yield f"{turn}/{name}", path


@dataclass(slots=True)
class _Counted:
    tell: Tell
    pages: int = 0

    def __call__(self, count: int) -> None:
        self.pages += count
        self.tell(count)


@dataclass(frozen=True, slots=True)
class Soaked:
    """`curve`: (pages read, MiB of the worker and its decoders)."""

    done: Pass
    curve: Curve
    peak_mb: float


def soak(settings: Settings, documents: Documents, pages: int, heard: Callable[[int], None]) -> Soaked:
    step = max(1, pages // POINTS)
    curve: list[tuple[int, float]] = []
    with Remote("pagestream", SoakKind(settings, documents.pages, pages)) as side:
        side.begin_load()
        side.finish_load()
        read = 0

        def on_pages(count: int) -> None:
            nonlocal read
            read += count
            heard(count)
            if not curve or read >= curve[-1][0] + step:
                curve.append((read, side.memory_mb()))

        done = side.run(documents.files, on_pages)
        return Soaked(done, curve, side.peak_mb)
