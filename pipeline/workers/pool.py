"""A few threads that share work. They never keep the process from ending: what they wait for may never come."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread


class Pool:
    """`submit` from any thread. Work must catch its own exceptions."""

    def __init__(self, threads: int, *, name: str) -> None:
        self._work: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._closed = Event()
        self._threads = threads
        for number in range(threads):
            Thread(target=self._serve, name=f"{name}-{number}", daemon=True).start()

    def submit(self, work: Callable[[], object]) -> None:
        self._work.put(work)

    def close(self) -> None:
        """Begin nothing more. What is under way is left to its own deadline."""
        self._closed.set()
        for _ in range(self._threads):
            self._work.put(None)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            if not self._closed.is_set():
                work()
