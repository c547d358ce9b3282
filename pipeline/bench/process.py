"""A side in a process of its own: told apart in memory, warm between passes, and silent.

    parent -> child    Load | Run(files) | None (leave)
    child -> parent    Ready | Pages(count) ... | Pass | the error that ended it

Every wait has a deadline that begins anew with each message: a side that reads is heard of page by page.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Lock
from types import TracebackType
from typing import Self

from pipeline.bench.memory import Tree
from pipeline.bench.side import Files, Kind, Pass, Side, Tell
from pipeline.errors import Environment, Fatal, PagestreamError

LOAD_S = 300.0
SILENCE_S = 300.0
"""No page of a document takes that long; a machine that is this slow has something wrong with it."""

LEAVE_S = 20.0
POLL_S = 0.25
SAMPLE_S = 1.0
"""How often memory is looked at while a side is at work: a look at all processes takes some 2 ms."""


@dataclass(frozen=True, slots=True)
class Load:
    """Load the models."""


@dataclass(frozen=True, slots=True)
class Run:
    """Read these files, once."""

    files: Files


@dataclass(frozen=True, slots=True)
class Ready:
    """The models are loaded."""


@dataclass(frozen=True, slots=True)
class Pages:
    """So many pages more were read."""

    count: int


Answer = Ready | Pages | Pass | PagestreamError


class Remote:
    """The parent's end. As a context it ends the process when left: kindly, or at once after an exception."""

    def __init__(self, name: str, kind: Kind) -> None:
        self.name = name
        context = get_context("spawn")
        self._end, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, kind), name=name, daemon=True)
        self._process.start()
        theirs.close()
        self.pid = self._process.pid or 0
        self._tree = Tree(self.pid)
        self._next_look = 0.0

    @property
    def peak_mb(self) -> float:
        """Most resident memory seen of the process and its children together, MiB."""
        return self._tree.peak_mb

    def begin_load(self) -> None:
        self._send(Load())

    def finish_load(self) -> None:
        """Raises what the side could not be loaded for."""
        self._answer(LOAD_S, _nobody)

    def warm_up(self, files: Files) -> None:
        self.read(files, _nobody)

    def run(self, files: Files, on_pages: Callable[[int], None]) -> Pass:
        """Raises Environment `bench_stalled` or Fatal `bench_side_died`, or what ended the side."""
        before = self._tree.cpu_seconds()
        answer = self.read(files, on_pages)
        return replace(answer, cpu_seconds=self._tree.cpu_seconds() - before)

    def read(self, files: Files, on_pages: Callable[[int], None]) -> Pass:
        """As `run`, and nobody asks for processor time."""
        self._send(Run(files))
        answer = self._answer(SILENCE_S, on_pages)
        assert isinstance(answer, Pass)
        return answer

    def memory_mb(self) -> float:
        """As it is now, MiB."""
        return self._tree.sample()

    def kill(self) -> None:
        """At once. Whoever waits for an answer hears that the side died."""
        if self._process.is_alive():
            self._tree.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            try:
                self._end.send(None)
            except OSError:
                pass
            else:
                self._process.join(LEAVE_S)
        self.kill()
        self._process.join(LEAVE_S)
        self._end.close()

    def _send(self, request: Load | Run) -> None:
        try:
            self._end.send(request)
        except OSError as error:
            raise self._died() from error

    def _answer(self, silence_s: float, on_pages: Callable[[int], None]) -> Ready | Pass:
        deadline = time.monotonic() + silence_s
        while time.monotonic() < deadline:
            answer = self._received()
            self._look()
            match answer:
                case Pages(count):
                    deadline = time.monotonic() + silence_s
                    on_pages(count)
                case PagestreamError():
                    raise answer
                case Ready() | Pass():
                    return answer
        raise Environment(
            f"The side '{self.name}' gave no sign of life for {silence_s:.0f} s; look at the machine's load.",
            code="bench_stalled",
            stage="bench",
        )

    def _look(self) -> None:
        if time.monotonic() >= self._next_look:
            self._tree.sample()
            self._next_look = time.monotonic() + SAMPLE_S

    def _received(self) -> Answer | None:
        try:
            return self._end.recv() if self._end.poll(POLL_S) else None
        except (EOFError, OSError) as error:
            raise self._died() from error

    def _died(self) -> Fatal:
        self._process.join(LEAVE_S)
        return Fatal(
            f"The side '{self.name}' ended with exit code {self._process.exitcode}; look for the kernel's "
            "out-of-memory killer, or run that side alone.",
            code="bench_side_died",
            stage="bench",
        )


def serve(end: Connection, kind: Kind) -> None:
    """The child's end, until it is told to leave or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to hear; it ends us
    words = _hush()
    lock = Lock()

    def answer(message: Answer) -> None:
        with lock:  # pages are told from several threads
            end.send(message)

    side: Side | None = None
    try:
        while (request := end.recv()) is not None:
            match request:
                case Load():
                    side = kind.load()
                    answer(Ready())
                case Run(files):
                    assert side is not None
                    answer(side.run(files, _tell(answer)))
    except (EOFError, BrokenPipeError):
        pass
    except PagestreamError as error:
        answer(error)
    except Exception:
        os.write(words, traceback.format_exc().encode())
        answer(Fatal("A side failed on a defect of its own; its traceback is above.", code="bench_side_failed"))
    finally:
        if side is not None:
            side.close()


def _tell(answer: Callable[[Answer], None]) -> Tell:
    return lambda count: answer(Pages(count))


def _hush() -> int:
    """Libraries print and log as they please; the terminal is the parent's. Returns a way to it, for a traceback."""
    sys.stdout.flush()
    words = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    return words


def _nobody(count: int) -> None:
    """Nobody counts pages while models are loaded, or warmed up."""
