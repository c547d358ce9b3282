"""`pagestream ocr`: local files, no services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipeline.commands.exits import DOCUMENTS_FAILED, INTERRUPTED, complain, told_plainly
from pipeline.commands.ocr_report import tell_report
from pipeline.commands.terminal import shown

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from schemas.events import Options

PASSWORD = "password"
SECRET_BYTES = 1_024

Files = Annotated[
    list[Path],
    typer.Argument(exists=True, metavar="FILES", help="Images and PDFs, or folders of them; hidden files "
                   "are passed over."),
]  # fmt: skip
Out = Annotated[Path, typer.Option("--out", file_okay=False, help="Folder for the results, made where missing.")]
Profile = Annotated[str | None, typer.Option(help="Models: tiny, small, or one that was fetched.")]
EngineName = Annotated[
    Literal["onnx", "paddleocr", "fake"] | None, typer.Option(metavar="[onnx|paddleocr]", help="What runs the models.")
]
LaneCount = Annotated[int | None, typer.Option(min=1, help="Engines at work at once; a core each by default.")]
Dpi = Annotated[int | None, typer.Option(min=72, max=600, help="Resolution of PDF pages.")]
Pages = Annotated[str | None, typer.Option(help='Which pages, such as "1-3,7"; all by default.')]
Tables = Annotated[bool | None, typer.Option("--tables/--no-tables", help="Look for layout and tables; or lines only.")]
Correct = Annotated[
    bool | None, typer.Option("--correct/--no-correct", help="Correct lines by their page; or text as it was read.")
]
Html = Annotated[bool, typer.Option("--html", help="Also write <file name>.html each, to look at in a browser.")]
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
    tables: Tables = None,
    correct: Correct = None,
    html: Html = False,
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
    from pipeline.commands.logs import log_warnings
    from pipeline.commands.reading import Report, read_into
    from pipeline.local_worker import local_settings

    if any(path.is_dir() and path.resolve() == out.resolve() for path in files):
        raise typer.BadParameter("results would lie among the documents; choose another folder", param_hint="--out")
    chosen = chosen_files(files, out=out)
    if not chosen.files and not chosen.left:
        raise typer.BadParameter(f"no file in {', '.join(shown(path) for path in files)}", param_hint="FILES")
    secret = PASSWORD if password_file else None
    options = _options(dpi=dpi, pages=pages, tables=tables, correct=correct, password_secret=secret)
    with told_plainly(), _secrets(password_file) as secrets:
        log_warnings()
        settings = local_settings(engine=_given(name=engine, profile=profile, lanes=lanes), decode=secrets)
        if profile is not None:
            _check_profile(profile, settings)
        report = Report()
        if chosen.files:
            report = read_into(out, chosen.files, settings=settings, options=options, console=complain, html=html)
    tell_report(report, chosen, out, html=html)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)
    if report.failed or any(left.why == "closed" for left in chosen.left):
        raise typer.Exit(DOCUMENTS_FAILED)


def _check_profile(name: str, settings: Settings) -> None:
    from pipeline.engines.models import PROFILES, on_disk

    known = list(dict.fromkeys([*PROFILES, *on_disk(settings.engine.models_directory)]))
    if name not in known:
        raise typer.BadParameter(f"known profiles: {', '.join(known)}", param_hint="--profile")


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
