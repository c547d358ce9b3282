"""How does a step tell a stranger what it does and how long it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def step(service: str, what: str) -> Iterator[None]:
    """One line when the step begins, one when it is done. A failed step is told by whoever catches the exception."""
    say(f"{service:<10} {what} ...")
    began = time.monotonic()
    yield
    say(f"{service:<10} {what}: done in {time.monotonic() - began:.1f} s")
