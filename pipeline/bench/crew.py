"""Several processes of one kind as one side: what people get who start as many as they have cores.

Each takes the next file when it is done with one. The clock runs here, so that handing out files and hearing of them
counts; that is some milliseconds a file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from types import TracebackType
from typing import Self, TypeVar

from pipeline.bench.memory import Tree
from pipeline.bench.process import SAMPLE_S, Remote
from pipeline.bench.side import Files, Pass, Several, Tell

Answer = TypeVar("Answer")


class Crew:
    """Does what `Remote` does, with a thread here for each process, and is a context as that is."""

    def __init__(self, name: str, several: Several) -> None:
        self.name = name
        self._several = several
        self._stack = ExitStack()
        self._members: list[Remote] = []
        self._tree = Tree()

    @property
    def peak_mb(self) -> float:
        """Most resident memory seen of all processes at one time, MiB."""
        return self._tree.peak_mb

    def begin_load(self) -> None:
        for member in self._members:
            member.begin_load()

    def finish_load(self) -> None:
        """Raises what one of them could not be loaded for."""
        self._all(Remote.finish_load)

    def warm_up(self, files: Files) -> None:
        """Every process reads all of them."""
        self._all(lambda member: member.warm_up(files))

    def run(self, files: Files, on_pages: Callable[[int], None]) -> Pass:
        """Every file is read by one of them. Raises as `Remote.run` does, for the first process that ends."""
        queue: SimpleQueue[tuple[str, Path]] = SimpleQueue()
        for one in files.items():
            queue.put(one)
        tell = _in_turn(on_pages)
        before, began = self._tree.cpu_seconds(), time.perf_counter()
        parts = self._all(lambda member: _read(member, queue, tell))
        seconds = time.perf_counter() - began
        passes = [one for part in parts for one in part]
        return Pass(
            seconds=seconds,
            pages=sum(one.pages for one in passes),
            lines=sum(one.lines for one in passes),
            cpu_seconds=self._tree.cpu_seconds() - before,
            failed=_merged(one.failed for one in passes),
            readings=_merged(one.readings for one in passes),
        )

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for _ in range(self._several.count):
                self._members.append(stack.enter_context(Remote(self.name, self._several.kind)))
            self._stack = stack.pop_all()
        self._tree = Tree(*(member.pid for member in self._members))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def _all(self, work: Callable[[Remote], Answer]) -> list[Answer]:
        """In every process at once. What one of them raises, or Ctrl-C here, ends all: nobody waits for the others."""
        with ThreadPoolExecutor(len(self._members)) as threads:
            try:
                asked = [threads.submit(work, member) for member in self._members]
                while True:
                    self._tree.sample()
                    done, left = wait(asked, SAMPLE_S, FIRST_EXCEPTION)
                    for one in done:
                        one.result()
                    if not left:
                        return [one.result() for one in asked]
            except BaseException:
                for member in self._members:
                    member.kill()
                raise


def _read(member: Remote, queue: SimpleQueue[tuple[str, Path]], tell: Tell) -> list[Pass]:
    """A pass for each file, until there are none."""
    passes: list[Pass] = []
    while True:
        try:
            name, path = queue.get_nowait()
        except Empty:
            return passes
        passes.append(member.read({name: path}, tell))


def _in_turn(tell: Tell) -> Tell:
    lock = Lock()

    def told(count: int) -> None:
        with lock:
            tell(count)

    return told


def _merged(parts: Iterable[Mapping[str, Answer]]) -> dict[str, Answer]:
    return {name: value for part in parts for name, value in part.items()}
