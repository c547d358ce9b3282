"""`pagestream schemas export`: what crosses the topics, as JSON Schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

schemas = typer.Typer(name="schemas", help="What crosses the topics, as JSON Schema.", no_args_is_help=True)


@schemas.callback()
def group() -> None:
    """What crosses the topics, as JSON Schema."""


@schemas.command("export")
def exported(folder: Annotated[Path, typer.Argument(help="Where to write them.")] = Path("schemas/json")) -> None:
    """Write the JSON Schema of every record and object, and a page on the headers."""
    from schemas.codec import export

    for path in export(folder):
        typer.echo(path)
