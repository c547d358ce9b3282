"""The `pagestream` command."""

from __future__ import annotations

from importlib import import_module

import typer
from typer.core import TyperGroup
from typer.main import get_group

COMMANDS = ("demo", "ocr", "run", "submit", "find", "check", "topics", "models", "schemas")
"""Each is a function, or a group of its own, of the same name in a module of the same name."""


class Commands(TyperGroup):
    """A command's module is imported when that command is asked for: clients and runtimes of all the others take
    longer to import than most commands take to run."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str):  # type: ignore[no-untyped-def,override]
        if cmd_name not in COMMANDS:
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


@app.callback()
def pagestream() -> None:
    """Without a callback an app of no registered command is refused."""


def main() -> None:
    app()


if __name__ == "__main__":
    main()
