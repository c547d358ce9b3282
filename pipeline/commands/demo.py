"""`pagestream demo`: everything, on sample documents, in this one process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.exits import DOCUMENTS_FAILED, told_plainly

Out = Annotated[Path, typer.Option("--out", file_okay=False, help="Folder for documents, results and pages to see.")]


def demo(out: Out = Path("out/demo")) -> None:
    """Read sample documents through the whole flow, without any service, and show what happened.

    Three documents are read and two can't be: exit code 1 if it came out otherwise.
    """
    # Imported when asked for: models, decoders and telemetry take longer than all other commands do.
    from pipeline.commands.demo_report import show
    from pipeline.commands.demo_run import play
    from pipeline.commands.logs import log_warnings

    with told_plainly():
        log_warnings()
        played = play(out)
    if not show(played, out):
        raise typer.Exit(DOCUMENTS_FAILED)
