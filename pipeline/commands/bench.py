"""`pagestream bench`: how fast, how alike, how much memory, measured side by side in one run."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipeline.commands.exits import DOCUMENTS_FAILED, complain, told_plainly
from pipeline.commands.terminal import counted

if TYPE_CHECKING:
    from pipeline.bench.comparison import Comparison
    from pipeline.bench.documents import Documents
    from pipeline.bench.parity import Parity
    from pipeline.bench.side import Kind
    from pipeline.settings import Settings


class Against(StrEnum):
    PADDLEOCR = "paddleocr"
    BARE = "bare"
    NONE = "none"


DocumentFolder = Annotated[
    Path, typer.Option("--documents", exists=True, metavar="DIR", help="Folder of images and PDFs, or one file.")
]
Rivals = Annotated[
    list[Against] | None,
    typer.Option(
        "--against",
        help="paddleocr: as it comes, and again at our detection size. bare: our engines with no pipeline around "
        "them. May be given more than once; paddleocr by default.",
    ),
]
Profile = Annotated[str | None, typer.Option(help="Models of ours: tiny, small, or one that was fetched.")]
AgainstProfile = Annotated[str, typer.Option(help="Models of PaddleOCR's.")]
EngineName = Annotated[
    Literal["onnx", "paddleocr", "fake"] | None, typer.Option(metavar="[onnx|paddleocr]", help="What runs our models.")
]
LaneCount = Annotated[int | None, typer.Option(min=1, help="Engines at work at once; a core each by default.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Take the first so many files only.")]
Repeat = Annotated[int, typer.Option(min=1, help="Rounds; in each, every side reads all files once.")]
JsonFile = Annotated[Path | None, typer.Option("--json", dir_okay=False, help="Write all figures to this file.")]
LinesFile = Annotated[
    Path | None,
    typer.Option("--lines", dir_okay=False, help="Write the lines on which ours and PaddleOCR's differ to this "
                 "Markdown file. It holds text of your documents."),
]  # fmt: skip
TruthFolder = Annotated[
    Path | None,
    typer.Option("--truth", exists=True, file_okay=False, help="Folder of transcripts, <document>.json: "
                 '{"width", "height", "lines": [{"text", "box": [[x, y], ...]}]}; says who is right in --lines.'),
]  # fmt: skip


def bench(
    documents: DocumentFolder,
    against: Rivals = None,
    profile: Profile = None,
    against_profile: AgainstProfile = "small",
    engine: EngineName = None,
    lanes: LaneCount = None,
    limit: Limit = None,
    repeat: Repeat = 3,
    json: JsonFile = None,
    lines: LinesFile = None,
    truth: TruthFolder = None,
) -> None:
    """Measure reading, side by side on the same files, each side in a process of its own.

    Sides take turns; all have their models loaded and have read a few
    files before the clock runs. Decoding counts on all sides. Ratios are
    taken within a round. Exit code 1 if a side failed on a document.
    """
    from pipeline.local_worker import local_settings

    rivals = set(against or [Against.PADDLEOCR])
    if lines is not None and Against.PADDLEOCR not in rivals:
        raise typer.BadParameter("lines are compared with --against paddleocr", param_hint="--lines")
    with told_plainly():
        settings = local_settings(engine=_given(name=engine, profile=profile, lanes=lanes))
        kinds = _kinds(settings, rivals, against_profile)
        chosen = _chosen(documents, settings, rivals, limit)
        _compare(kinds, chosen, settings, repeat, against_profile, json, lines, truth)


def _kinds(settings: Settings, rivals: set[Against], profile: str) -> dict[str, Kind]:
    from pipeline.bench.bare import BareKind
    from pipeline.bench.comparison import BARE, OURS, PADDLE, PADDLE_SAME_SIZE
    from pipeline.bench.ours import OurKind
    from pipeline.bench.reference import PaddleKind, require_paddleocr

    kinds: dict[str, Kind] = {OURS: OurKind(settings)}
    if Against.PADDLEOCR in rivals:
        require_paddleocr()
        models = settings.engine.models_directory
        kinds[PADDLE] = PaddleKind(models, profile, None)
        kinds[PADDLE_SAME_SIZE] = PaddleKind(models, profile, settings.engine.page_side)
    if Against.BARE in rivals:
        kinds[BARE] = BareKind(settings)
    return kinds


def _chosen(folder: Path, settings: Settings, rivals: set[Against], limit: int | None) -> Documents:
    from pipeline.app import decode_limits
    from pipeline.bench.documents import choose
    from pipeline.bench.reference import reads
    from pipeline.commands.files import found_files

    found = found_files([folder]).files
    suits = reads if Against.PADDLEOCR in rivals else lambda name: True
    chosen = choose(found, decode_limits(settings), dpi=settings.decode.dpi, limit=limit, suits=suits)
    said = f"{counted(len(chosen.files), 'file')}, {counted(chosen.page_count, 'page')}"
    left = f"; {counted(len(chosen.left_out), 'file')} left out, not readable by all" if chosen.left_out else ""
    complain.print(f"{said}{left}")
    return chosen


def _compare(
    kinds: dict[str, Kind],
    chosen: Documents,
    settings: Settings,
    repeat: int,
    against_profile: str,
    json: Path | None,
    lines: Path | None,
    truth: Path | None,
) -> None:
    from pipeline.bench.comparison import compare_sides, record, surroundings
    from pipeline.commands.bench_lines import write_lines
    from pipeline.commands.bench_progress import Progress
    from pipeline.commands.bench_report import show, write_json

    with Progress(complain, list(kinds), pages=chosen.page_count, repeat=repeat) as progress:
        found = compare_sides(kinds, chosen, repeat=repeat, heard=progress.heard)
    parities = _parities(found, truth)
    told = {**surroundings(settings), "against_profile": against_profile}
    show(found, parities)
    if json is not None:
        write_json(json, record(found, parities, told))
    if lines is not None:
        write_lines(lines, parities)
    if any(one.failed for round_ in found.rounds for one in round_.values()):
        raise typer.Exit(DOCUMENTS_FAILED)


def _parities(found: Comparison, truth: Path | None) -> dict[str, Parity]:
    from pipeline.bench.comparison import OURS
    from pipeline.bench.parity import compare
    from pipeline.bench.truth import truths

    first = found.rounds[0]
    known = truths(truth, found.documents.files) if truth is not None else {}
    return {side: compare(first[OURS].readings, first[side].readings, known) for side in found.sides if side != OURS}


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
