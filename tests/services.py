"""How tests share real services: names of one's own there, and waiting for what takes a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar
from uuid import uuid4

Answer = TypeVar("Answer")

DEADLINE_S = 30.0


def unique(name: str) -> str:
    """A name for a topic, bucket or group that no other test and no other run has."""
    return f"{name}-{uuid4().hex[:12]}"


def until(answer: Callable[[], Answer], *, deadline_s: float = DEADLINE_S) -> Answer:
    """Ask again and again until the answer is a true one; the asking itself has to take its time."""
    deadline = time.monotonic() + deadline_s
    while True:
        found = answer()
        if found:
            return found
        assert time.monotonic() < deadline, f"still {found!r} after {deadline_s} s"
