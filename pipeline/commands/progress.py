"""How far a run in this process has come: a bar on a terminal, now and then a line where there is none."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TimeElapsedColumn
from rich.text import Text

from pipeline.core.events import BatchDone, Event

LINE_EVERY_S = 5.0


def terminal_bar(console: Console, *columns: ProgressColumn, transient: bool = False) -> Progress:
    """A bar, as a context, that shows itself on a terminal only; elsewhere it counts and is `disable`d."""
    return Progress(*columns, console=console, transient=transient, disable=not console.is_terminal)


class Meter:
    """`watch` is called by the loop on its thread, `settled` by the one that waits; each counter has one writer."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._documents = self._pages = 0
        self._began = self._told = time.monotonic()
        self._bar = terminal_bar(console, SpinnerColumn(), BarColumn(30), _Counts(self), TimeElapsedColumn())
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if self._bar.disable:
            self._console.print(self.counts)

    @property
    def pages(self) -> int:
        """Pages whose lines have been found, those of documents that are not settled among them."""
        return self._pages

    @property
    def counts(self) -> str:
        rate = self._pages / max(time.monotonic() - self._began, 0.001)
        return f"{self._documents}/{self._total} documents, {self._pages} pages, {rate:.1f} pages/s"

    def watch(self, event: Event) -> None:
        """A page counts when its lines have been found; to read them is the lesser part of the wait that is left."""
        if isinstance(event, BatchDone) and event.stage == "detect":
            self._pages += len(event.results)
        if self._bar.disable and time.monotonic() - self._told >= LINE_EVERY_S:
            self._told = time.monotonic()
            self._console.print(self.counts)

    def settled(self) -> None:
        self._documents += 1
        self._bar.update(self._task, completed=self._documents)


class _Counts(ProgressColumn):
    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def render(self, task: Task) -> Text:
        return Text(self._meter.counts)
