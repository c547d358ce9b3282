"""How a command ends: exit codes a supervisor can tell apart, and one sentence that says what to do.

0  done            1  some documents failed          2  wrong usage
3  stopped by the environment: broker, store, or another thing that may come back; restarting later helps
4  stopped by ourselves: settings, models or engine; restarting does not help until they are mended
5  recycle: nothing is wrong, the process has grown to flow.memory_ceiling_mb; start it again
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

from pipeline.commands.terminal import shown
from pipeline.errors import Environment, PagestreamError, Recycle

DOCUMENTS_FAILED = 1
ENVIRONMENT = 3
OURSELVES = 4
RECYCLE = 5
RESTART_HELPS = frozenset({"outcome_unknown"})
"""Codes of Fatal errors that end the process at once and leave the next one in no worse a place."""

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

complain = Console(stderr=True, highlight=False, markup=False, emoji=False)
"""For people. Markup is off: messages, keys and file names hold brackets of their own."""

NO_SENTENCES: Mapping[str, str] = {}


def exit_code(error: PagestreamError) -> int:
    match error:
        case Environment():
            return ENVIRONMENT
        case Recycle():
            return RECYCLE
        case _ if error.code in RESTART_HELPS:
            return ENVIRONMENT
        case _:
            return OURSELVES


@contextmanager
def told_plainly(sentences: Mapping[str, str] = NO_SENTENCES) -> Iterator[None]:
    """Errors of the tree become one line and an exit code, not a traceback. `sentences` by code: what to do, where a
    command knows that better than the part that failed."""
    try:
        yield
    except PagestreamError as error:
        tell(error, sentences)
        raise typer.Exit(exit_code(error)) from error


def tell(error: PagestreamError, sentences: Mapping[str, str] = NO_SENTENCES) -> None:
    where = "".join(f" ({place})" for place in places(error))
    told = Text.assemble((error.code, "red"), f": {sentences.get(error.code, error.message)}{where}")
    complain.print(told, soft_wrap=True)


def places(error: PagestreamError) -> list[str]:
    """Which bucket, topic or address it is about, where that is known: connectors note it beside the message."""
    return [shown(note) for note in getattr(error, "__notes__", ())]
