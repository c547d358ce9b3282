"""The `pagestream` command."""

from __future__ import annotations

import typer

from pipeline.commands.check import check
from pipeline.commands.demo import demo
from pipeline.commands.find import find
from pipeline.commands.models import models
from pipeline.commands.ocr import ocr
from pipeline.commands.run import run
from pipeline.commands.schemas import schemas
from pipeline.commands.submit import submit
from pipeline.commands.topics import topics

app = typer.Typer(
    name="pagestream",
    help="Streaming document OCR: events in, text and boxes out. Settings: PAGESTREAM_* variables, or the YAML file "
    "that PAGESTREAM_CONFIG names.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (demo, ocr, run, submit, find, check):
    app.command()(command)
for group in (topics, models, schemas):
    app.add_typer(group)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
