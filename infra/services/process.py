"""Which process is ours, and how does it start and end.

A process is known by its id *and* its start time, so that a recycled id is never taken for ours, and never signalled.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.services.failures import Failed

POLL_S = 0.1
STOP_DEADLINE_S = 20  # Kafka's clean shutdown takes 2-5 s
INHERITED = ("PATH", "HOME", "JAVA_HOME", "TMPDIR", "LANG", "TZ")


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    started: str

    @property
    def alive(self) -> bool:
        return _start_time(self.pid) == self.started

    def stop(self) -> None:
        """End it: asked first, killed at the deadline. Nothing happens where it has ended already."""
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            if not self.alive:
                return
            os.kill(self.pid, signal_number)
            if _until(lambda: not self.alive, STOP_DEADLINE_S):
                return
        raise Failed(f"process {self.pid} does not end")


def start(command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path) -> Process:
    """Start a process that outlives us, in a session of its own, with a short environment; `log` is written afresh."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env={**kept, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    child.returncode = 0  # it is meant to outlive this object, which would otherwise warn when it is collected
    return Process(child.pid, _start_time(child.pid) or "ended at once")


def wait_ready(process: Process, ready: Callable[[], bool], *, deadline_s: float, log: Path) -> None:
    if _until(lambda: not process.alive or ready(), deadline_s) and process.alive:
        return
    reason = f"not ready within {deadline_s:.0f} s" if process.alive else "ended while starting"
    raise Failed(reason, log=log)


def _until(condition: Callable[[], bool], deadline_s: float) -> bool:
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_S)
    return True


def _start_time(pid: int) -> str | None:
    """When the process began, in whatever words the system uses; None once it has ended."""
    _reap(pid)
    if Path("/proc/self/stat").exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else fields[19]  # proc(5): field 3 is the state, field 22 the start time
    told = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return told.stdout.strip() or None


def _reap(pid: int) -> None:
    """Take the exit status of a child of ours that has ended, or it would stay in the process table as a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
