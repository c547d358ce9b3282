"""The `pagestream` command."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import version
from types import FrameType
from typing import Annotated, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_group

COMMANDS = ("demo", "ocr", "run", "submit", "find", "check", "bench", "topics", "models", "engines", "schemas")
"""Each is a function, or a group of its own, of the same name in a module of the same name."""


class Commands(TyperGroup):
    """A command's module is imported when that command is asked for: clients and runtimes of all the others take
    longer to import than most commands take to run."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str):  # type: ignore[no-untyped-def,override]
        if cmd_name not in COMMANDS:
            near = get_close_matches(cmd_name, COMMANDS, n=1)
            if near and not ctx.resilient_parsing:
                ctx.fail(f"No such command '{cmd_name}'. Did you mean '{near[0]}'?")
            return None
        found = getattr(import_module(f"pipeline.commands.{cmd_name}"), cmd_name)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        if isinstance(found, typer.Typer):
            alone.add_typer(found)
        else:
            alone.command()(found)
        return get_group(alone).get_command(ctx, cmd_name)


app = typer.Typer(
    name="pagestream",
    cls=Commands,
    help="Streaming document OCR: events in, text and boxes out. Settings: PAGESTREAM_* variables, or the YAML file "
    "that PAGESTREAM_CONFIG names.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"pagestream {version('pagestream')}")
        raise typer.Exit


@app.callback()
def pagestream(
    told: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Without a callback an app of no registered command is refused."""


def main() -> None:
    if sys.argv[1:2] == ["run"]:
        _end_when_told()
    try:
        app()
    except BaseException as ended:
        if len(threading.enumerate()) == 1:
            raise
        if isinstance(ended, SystemExit):
            _leave(ended.code)
        sys.excepthook(type(ended), ended, ended.__traceback__)
        _leave(1)


def _end_when_told() -> None:
    """A service that is told to stop while it imports and loads has nothing to finish, and has stopped as asked.

    `run` takes the signals over before it begins. Not by an exception: an import was seen to swallow it.
    """

    def end(number: int, frame: FrameType | None) -> NoReturn:
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def _leave(code: object) -> NoReturn:
    """End without Python's own way out. Threads that are still at work inside a native library come back from there to
    an interpreter that is gone, are ended within C++ code, and that aborts the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # who read our output has left
            code = code or 1
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
