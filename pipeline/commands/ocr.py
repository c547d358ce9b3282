"""`pagestream ocr`: local files, no services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipeline.commands.exits import DOCUMENTS_FAILED, complain, told_plainly

if TYPE_CHECKING:
    from pipeline.commands.reading import Report
    from schemas.events import Options

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

WIDTH = 100
"""Columns of what is printed where no terminal says how many there are."""

PASSWORD = "password"
SECRET_BYTES = 1_024

Files = Annotated[
    list[Path],
    typer.Argument(exists=True, metavar="FILES|FOLDERS...", help="Images and PDFs, or folders of them; hidden files "
                   "are passed over."),
]  # fmt: skip
Out = Annotated[Path, typer.Option("--out", file_okay=False, help="Folder for the results, made where missing.")]
Profile = Annotated[str | None, typer.Option(help="Models: tiny, small, or one that was fetched.")]
EngineName = Annotated[Literal["onnx", "paddleocr", "fake"] | None, typer.Option(help="What runs the models.")]
LaneCount = Annotated[int | None, typer.Option(min=1, help="Engines at work at once; a core each by default.")]
Dpi = Annotated[int | None, typer.Option(min=72, max=600, help="Resolution of PDF pages.")]
Pages = Annotated[str | None, typer.Option(help='Which pages, such as "1-3,7"; all by default.')]
PasswordFile = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="File that holds the documents' password.")
]


def ocr(
    files: Files,
    out: Out,
    profile: Profile = None,
    engine: EngineName = None,
    lanes: LaneCount = None,
    dpi: Dpi = None,
    pages: Pages = None,
    password_file: PasswordFile = None,
) -> None:
    """Read local files, without any service: one <file name>.json each.

    Files of a folder keep their place in it: FOLDER/a/b.pdf becomes
    OUT/a/b.pdf.json. Where two would have one name, the result of the
    second lies in OUT/2/. Exit code 1 if a document could not be read;
    documents with a page that failed are written, and listed at the end.
    """
    # Imported when asked for: models, decoders and telemetry take longer than all other commands do.
    from pipeline.commands.files import chosen_files
    from pipeline.commands.local_worker import local_settings, log_warnings
    from pipeline.commands.reading import read_into

    if any(path.is_dir() and path.resolve() == out.resolve() for path in files):
        raise typer.BadParameter("results would lie among the documents; choose another folder", param_hint="--out")
    chosen = chosen_files(files, out=out)
    if not chosen:
        raise typer.BadParameter("no file in there", param_hint="FILES|FOLDERS")
    with told_plainly(), _secrets(password_file) as secrets:
        log_warnings()
        settings = local_settings(engine=_given(name=engine, profile=profile, lanes=lanes), decode=secrets)
        options = _options(dpi=dpi, pages=pages, password_secret=PASSWORD if password_file else None)
        report = read_into(out, chosen, settings=settings, options=options, console=complain)
    _tell(report, chosen, out)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)
    if report.failed:
        raise typer.Exit(DOCUMENTS_FAILED)


@contextmanager
def _secrets(password_file: Path | None) -> Iterator[dict[str, Any]]:
    """A folder of mounted secrets for as long as the run takes, for events name secrets and never hold them."""
    if password_file is None:
        yield {}
        return
    with TemporaryDirectory(prefix="pagestream-") as folder:  # readable by its owner alone
        with password_file.open("rb") as file:
            Path(folder, PASSWORD).write_bytes(file.read(SECRET_BYTES))
        yield {"secrets_directory": Path(folder)}


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _options(**options: Any) -> Options:
    from pydantic import ValidationError

    from schemas.events import Options

    try:
        return Options(**options)
    except ValidationError as error:
        raise typer.BadParameter("write page numbers as ranges such as 1-3,7", param_hint="--pages") from error


def _tell(report: Report, files: dict[str, Path], out: Path) -> None:
    if report.troubles:
        complain.print(_troubles(report, files))
    ended = "interrupted after" if report.interrupted else "read"
    failed = f", {report.failed} failed" if report.failed else ""
    rate = report.pages / max(report.seconds, 0.001)
    typer.echo(
        f"{ended} {_count(report.documents, 'document')}{failed}: {_count(report.pages, 'page')} "
        f"in {report.seconds:.1f} s ({rate:.1f} pages/s). Results: {out}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _troubles(report: Report, files: dict[str, Path]) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    if not complain.is_terminal:
        complain.width = WIDTH
    table = Table(box=SIMPLE_HEAD, title="Not read, or not all of it", title_justify="left", pad_edge=False)
    table.add_column("document", overflow="fold", ratio=3)
    table.add_column("page", justify="right")
    table.add_column("code", style="red", no_wrap=True)
    table.add_column("what to do", ratio=4)
    for trouble in report.troubles:
        page = "" if trouble.page is None else str(trouble.page)
        name = str(files[trouble.key])
        shown = name if name.isprintable() else ascii(name)
        table.add_row(Text(shown), page, trouble.code, trouble.message)
    return table
