"""How far a bench has come: one bar over all rounds on a terminal, a line a pass where there is none."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich import progress
from rich.console import Console

from pipeline.commands.progress import terminal_bar


@contextmanager
def bench_progress(console: Console, sides: Sequence[str], *, pages: int, repeat: int) -> Iterator[Progress]:
    """`pages`: of one pass. As long as the context lasts, a bar is shown."""
    columns = (
        progress.SpinnerColumn(),
        progress.BarColumn(30),
        progress.MofNCompleteColumn(),
        progress.TextColumn("pages  {task.description}"),
        progress.TimeElapsedColumn(),
    )
    with terminal_bar(console, *columns, transient=True) as bar:
        yield Progress(bar, sides, pages=pages, repeat=repeat)


class Progress:
    """`heard` is told of pages, by side. A pass is over when its side has told of all pages, or another one speaks."""

    def __init__(self, bar: progress.Progress, sides: Sequence[str], *, pages: int, repeat: int) -> None:
        self._bar = bar
        self._pages = pages
        self._repeat = repeat
        self._read: Counter[str] = Counter()
        self._side = ""
        self._began = time.monotonic()
        self._task = bar.add_task("loading models", total=pages * repeat * len(sides))
        self._say(f"loading models: {'; '.join(sides)}")

    def heard(self, side: str, pages: int) -> None:
        if side != self._side:
            self._side = side
            turn = min(self._repeat, self._read[side] // max(self._pages, 1) + 1)
            told = f"round {turn} of {self._repeat}: {side}"
            self._bar.update(self._task, description=told)
            self._say(f"{told}, after {time.monotonic() - self._began:.0f} s")
        self._read[side] += pages
        self._bar.update(self._task, advance=pages)

    def _say(self, line: str) -> None:
        """Where there is no bar."""
        if self._bar.disable:
            self._bar.console.print(line, soft_wrap=True)
