"""What the child gives up before it reads its first byte: memory, files, network, privileges, life after its parent.

Linux only. What a kernel or container does not allow is left out, and `confine` says what held.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Callable

from pipeline.decode.limits import DecodeLimits
from pipeline.decode.syscalls import refuse_dangerous_calls

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38  # linux/prctl.h
OPEN_FILES = 32  # ours are three; PDFium opens system fonts one at a time


def confine(limits: DecodeLimits, *, parent: int) -> tuple[str, ...]:
    """Names what held. Raises OSError where a resource limit can't be set: without them we don't decode."""
    _set(resource.RLIMIT_AS, limits.memory_bytes)
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_FSIZE, 0)
    _set(resource.RLIMIT_NOFILE, OPEN_FILES)
    steps: dict[str, Callable[[], None]] = {
        "no_new_privileges": lambda: _prctl(PR_SET_NO_NEW_PRIVS, 1),
        "dies_with_parent": lambda: _die_with(parent),
        "no_network_no_programs": refuse_dangerous_calls,
    }
    return ("resources", *(name for name, step in steps.items() if _holds(step)))


def allow_cpu(seconds: int) -> None:
    """Give the next request `seconds` of processor time; over it the kernel ends us with SIGXCPU."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime) + 1 + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _set(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, value))


def _holds(step: Callable[[], None]) -> bool:
    try:
        step()
    except (OSError, AttributeError):
        return False
    return True


def _die_with(parent: int) -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it went before the line above
        os._exit(0)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
