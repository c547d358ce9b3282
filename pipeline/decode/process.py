"""One child process: started with nothing of ours in its environment, asked with a deadline, killed by its pid.

Used by one thread. Every failure here ends the child; what that means for the document is decided in decoder.py.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import pipeline
from pipeline.decode.limits import MIB, DecodeLimits
from pipeline.decode.protocol import (
    MAX_HEADER,
    PREFIX,
    PageHeader,
    ProtocolError,
    Ready,
    Reply,
    Request,
    fits,
    frame,
    parse_reply,
    request_header,
)

Pixels = NDArray[np.uint8]
REAP_SECONDS = 10.0
LAST_WORDS_SECONDS = 2.0  # between a child's hanging up and its end
PACKAGE_ROOT = Path(pipeline.__file__).parents[1]


class ChildDied(Exception):
    """`status`: exit code, or minus the signal, as subprocess has it; None when it lived but talked nonsense."""

    def __init__(self, status: int | None) -> None:
        super().__init__(f"decoder ended with status {status}")
        self.status = status


class ChildStalled(Exception):
    """No answer before the wall deadline; the child has been killed."""


class Child:
    """`pid` is the child's, and its process group's."""

    def __init__(self, limits: DecodeLimits) -> None:
        """Raises ChildDied, ChildStalled, or OSError when no process can be made."""
        self._limits = limits
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", "pipeline.decode.child", json.dumps(asdict(limits)), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a decoder's remarks can hold text of the document
            bufsize=0,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        for pipe in (self._to, self._from):
            os.set_blocking(pipe, False)
            with contextlib.suppress(OSError):  # over the user's quota of pipe memory: smaller steps then
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, MIB)
        ready, _ = self._guarded(None, limits.start_seconds)
        self.confinement = ready.confinement if isinstance(ready, Ready) else ()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: Request, *, seconds: float) -> tuple[Reply, Pixels | None]:
        """The answer, and the (height, width, 3) uint8 BGR pixels of a page. Raises ChildDied or ChildStalled."""
        return self._guarded(request, seconds)

    def resident_bytes(self) -> int:
        """0 where the system doesn't tell."""
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def kill(self) -> int | None:
        """Ends the process group and reaps the child; its status is None only if the kernel doesn't let go of it."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        return self._reap()

    def _reap(self) -> int | None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(REAP_SECONDS)
        return None

    def _guarded(self, request: Request | None, seconds: float) -> tuple[Reply, Pixels | None]:
        """A child that failed once is never asked again."""
        deadline = time.monotonic() + seconds
        try:
            if request is not None:
                self._send(request, deadline)
            return self._receive(request, deadline)
        except (EOFError, BrokenPipeError) as error:
            raise ChildDied(self._status_after_hanging_up()) from error
        except ProtocolError as error:
            self.kill()
            raise ChildDied(None) from error
        except TimeoutError as error:
            self.kill()
            raise ChildStalled from error
        except BaseException:  # interrupted half-way: what it says next would answer the wrong question
            self.kill()
            raise

    def _status_after_hanging_up(self) -> int | None:
        """Its own status if it is about to end, not the one our kill would give it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(LAST_WORDS_SECONDS)
            return self._reap()
        self.kill()
        return None

    def _send(self, request: Request, deadline: float) -> None:
        header, body = request_header(request)
        for data in (memoryview(frame(header, len(body))), memoryview(body)):
            while data:
                _wait(self._to, select.POLLOUT, deadline)
                data = data[os.write(self._to, data) :]

    def _receive(self, request: Request | None, deadline: float) -> tuple[Reply, Pixels | None]:
        prefix = self._read(bytearray(PREFIX.size), deadline)
        header_size, body_size = PREFIX.unpack(prefix)
        if header_size > MAX_HEADER:
            raise ProtocolError("header too long")
        reply = parse_reply(bytes(self._read(bytearray(header_size), deadline)), body_size)
        if not fits(reply, request):
            raise ProtocolError("not an answer to what was asked")
        if not isinstance(reply, PageHeader):
            return reply, None
        if not self._limits.page_allows(reply.width, reply.height):
            raise ProtocolError("page over the limit")
        pixels = np.empty((reply.height, reply.width, 3), dtype=np.uint8)
        self._read(pixels.reshape(-1).data, deadline)
        return reply, pixels

    def _read(self, buffer: bytearray | memoryview, deadline: float) -> bytearray | memoryview:
        """Fills `buffer`. Raises EOFError or TimeoutError."""
        rest = memoryview(buffer)
        while rest:
            _wait(self._from, select.POLLIN, deadline)
            count = os.readv(self._from, [rest])
            if count == 0:
                raise EOFError
            rest = rest[count:]
        return buffer


def _environment() -> dict[str, str]:
    """Not ours: ours holds credentials."""
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(PACKAGE_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _wait(pipe: int, event: int, deadline: float) -> None:
    """Until the pipe is ready or its other end is gone. Raises TimeoutError."""
    poll = select.poll()
    poll.register(pipe, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError
