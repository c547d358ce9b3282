"""How a command ends: exit codes a supervisor can tell apart, and one sentence that says what to do.

0  done            1  some documents failed          2  wrong usage
3  stopped by the environment: broker, store, or another thing that may come back; restarting later helps
4  stopped by ourselves: settings, models or engine; restarting does not help until they are mended
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from pipeline.errors import Environment, PagestreamError

DOCUMENTS_FAILED = 1
ENVIRONMENT = 3
OURSELVES = 4

complain = Console(stderr=True, highlight=False)


def exit_code(error: PagestreamError) -> int:
    return ENVIRONMENT if isinstance(error, Environment) else OURSELVES


@contextmanager
def told_plainly() -> Iterator[None]:
    """Errors of the tree become one line and an exit code, not a traceback."""
    try:
        yield
    except PagestreamError as error:
        complain.print(f"[red]{error.code}[/red]: {error.message}", soft_wrap=True)
        raise typer.Exit(exit_code(error)) from error
