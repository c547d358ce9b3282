"""How far a bench has come: one bar over all rounds on a terminal, a line a pass where there is none."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich import progress
from rich.console import Console


class Progress:
    """`heard` is told of pages, by side. A pass is over when its side has told of all pages, or another one speaks."""

    def __init__(self, console: Console, sides: Sequence[str], *, pages: int, repeat: int) -> None:
        self._console = console
        self._pages = pages
        self._repeat = repeat
        self._read: Counter[str] = Counter()
        self._side = ""
        self._began = time.monotonic()
        self._bar = progress.Progress(
            progress.SpinnerColumn(),
            progress.BarColumn(30),
            progress.MofNCompleteColumn(),
            progress.TextColumn("pages  {task.description}"),
            progress.TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("loading models", total=pages * repeat * len(sides))

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def heard(self, side: str, pages: int) -> None:
        if side != self._side:
            self._side = side
            turn = min(self._repeat, self._read[side] // max(self._pages, 1) + 1)
            told = f"round {turn} of {self._repeat}: {side}"
            self._bar.update(self._task, description=told)
            if not self._console.is_terminal:
                self._console.print(f"{told}, after {time.monotonic() - self._began:.0f} s")
        self._read[side] += pages
        self._bar.update(self._task, advance=pages)
