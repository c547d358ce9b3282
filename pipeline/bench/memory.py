"""How much memory and processor time does a process take, with its children, and does memory grow?

Resident sizes are added up, so pages that processes share are counted more than once: what is told is an upper bound.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import psutil

MIB = 1024 * 1024

SETTLED_PAGES = 500
"""By then models, pools and caches have their size."""

WINDOW = 0.25
"""Share of the run at either end of the comparison: long enough for decoders to be replaced within it, for a new one
takes half the memory of an old one."""

Curve = Sequence[tuple[int, float]]
"""(pages read, MiB), by ascending pages."""


class Tree:
    """Processes and whatever they have started. One that is gone counts as nothing."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self.peak_mb = 0.0

    def sample(self) -> float:
        """Resident memory now, MiB."""
        now = sum(_resident(process) for process in self._processes()) / MIB
        self.peak_mb = max(self.peak_mb, now)
        return now

    def cpu_seconds(self) -> float:
        """Processor time of all threads since the start, of children that have ended too."""
        return sum(_cpu_seconds(process) for process in self._processes())

    def kill(self) -> None:
        for process in reversed(self._processes()):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue

    def _processes(self) -> list[psutil.Process]:
        return [process for pid in self._pids for process in _with_children(pid)]


def growth(curve: Curve) -> float | None:
    """Median of the last quarter over that of the quarter that begins at SETTLED_PAGES, less one; None for a run too
    short to have both."""
    end = curve[-1][0] if curve else 0
    if (1 - 2 * WINDOW) * end < SETTLED_PAGES:
        return None
    early = [mb for pages, mb in curve if SETTLED_PAGES <= pages <= SETTLED_PAGES + WINDOW * end]
    late = [mb for pages, mb in curve if pages >= (1 - WINDOW) * end]
    return statistics.median(late) / statistics.median(early) - 1 if early and late else None


def _with_children(pid: int) -> list[psutil.Process]:
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(sum(getattr(times, name, 0.0) for name in ("user", "system", "children_user", "children_system")))
