"""`pagestream bench`: how fast, how alike, how much memory, measured side by side in one run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipeline.commands.exits import DOCUMENTS_FAILED, INTERRUPTED, complain, told_plainly
from pipeline.render.words import counted

if TYPE_CHECKING:
    from pipeline.bench.comparison import Comparison, Kinds
    from pipeline.bench.documents import Documents
    from pipeline.bench.parity import Parity
    from pipeline.bench.side import Kind, Several
    from pipeline.settings import Settings


class Against(StrEnum):
    PADDLEOCR = "paddleocr"
    PADDLEOCR_PROCESSES = "paddleocr-processes"
    BARE = "bare"
    NONE = "none"


PADDLES = {Against.PADDLEOCR, Against.PADDLEOCR_PROCESSES}

DocumentFolder = Annotated[
    Path, typer.Option("--documents", exists=True, metavar="DIR", help="Folder of images and PDFs, or one file.")
]
Rivals = Annotated[
    list[Against] | None,
    typer.Option(
        "--against",
        help="paddleocr: as it comes, and again at our detection size. paddleocr-processes: as it comes, a process for "
        "each core, with one thread; takes the memory of all of them. bare: our engines with no pipeline around them. "
        "May be given more than once; paddleocr by default.",
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
Services = Annotated[
    bool,
    typer.Option("--services", help="Instead: the whole pipeline on your broker and store, against our engines with "
                 "no pipeline around them. Makes topics and buckets of its own and removes them."),
]  # fmt: skip
SoakPages = Annotated[
    int | None,
    typer.Option("--soak", min=1, metavar="PAGES", help="Instead: read the files round and round until so many pages "
                 "were read, and watch memory. Growth is told from 1000 pages on."),
]  # fmt: skip
Calibrate = Annotated[
    bool,
    typer.Option("--calibrate", help="Instead: read the files once, and tell by --truth how often lines are right at "
                 "the confidence that they state, and the weights that would state it best."),
]  # fmt: skip
TruthFolder = Annotated[
    Path | None,
    typer.Option("--truth", exists=True, file_okay=False, help="Folder of transcripts, <document>.json: an object of "
                 '"width", "height" and "lines", each with its "text" and a "box" of four corners, in pixels of the '
                 "first page. With them --lines says who is right."),
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
    services: Services = False,
    soak: SoakPages = None,
    calibrate: Calibrate = False,
) -> None:
    """Measure reading, side by side on the same files, each side in processes of its own.

    Sides take turns; all have their models loaded and have read a few
    files before the clock runs. Decoding counts on all sides. Ratios are
    taken within a round. Exit code 1 if a side failed on a document.
    """
    if services and (against or soak):
        raise typer.BadParameter("takes neither --against nor --soak", param_hint="--services")
    if soak and against:
        raise typer.BadParameter("takes no --against: only memory is watched", param_hint="--soak")
    if calibrate and (services or soak or against or truth is None):
        raise typer.BadParameter(
            "takes --truth, and neither --services, --soak nor --against", param_hint="--calibrate"
        )
    rivals = {Against.BARE} if services else set(against or [Against.PADDLEOCR])
    if Against.NONE in rivals and len(rivals) > 1:
        raise typer.BadParameter("none is none", param_hint="--against")
    if Against.NONE in rivals or soak or calibrate:
        rivals = set()
    if lines is not None and Against.PADDLEOCR not in rivals:
        raise typer.BadParameter("lines are compared with --against paddleocr", param_hint="--lines")
    wanted = Wanted(documents, limit, repeat, rivals, against_profile, json, lines, truth, calibrate)
    tables = None if soak else False  # no rival looks for any
    engines = {"name": engine, "profile": profile, "lanes": lanes, "tables": tables}
    with told_plainly():
        try:
            _measure(wanted, {name: value for name, value in engines.items() if value is not None}, services, soak)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed."""

    documents: Path
    limit: int | None
    repeat: int
    rivals: set[Against]
    against_profile: str
    json: Path | None
    lines: Path | None
    truth: Path | None
    calibrate: bool


def _measure(wanted: Wanted, engine: dict[str, Any], services: bool, pages: int | None) -> None:
    from pipeline.local_worker import local_settings

    if services:
        from pipeline.bench.comparison import PIPELINE
        from pipeline.commands.bench_services import pipeline_kind

        with pipeline_kind(engine) as pipeline:
            _compare({PIPELINE: pipeline, **_rivals(pipeline.settings, wanted)}, pipeline.settings, wanted)
        return
    settings = local_settings(engine=engine)
    if pages is not None:
        from pipeline.commands.bench_soak import soak_and_show

        soak_and_show(settings, _chosen(settings, wanted), pages, wanted.json)
        return
    if wanted.calibrate and wanted.truth is not None:
        from pipeline.commands.bench_calibration import calibrate_and_show

        calibrate_and_show(settings, _chosen(settings, wanted), wanted.truth, wanted.json)
        return
    from pipeline.bench.comparison import OURS
    from pipeline.bench.ours import OurKind

    _compare({OURS: OurKind(settings), **_rivals(settings, wanted)}, settings, wanted)


def _rivals(settings: Settings, wanted: Wanted) -> dict[str, Kind | Several]:
    from pipeline.bench.bare import BareKind
    from pipeline.bench.comparison import BARE, PADDLE, PADDLE_PROCESSES, PADDLE_SAME_SIZE
    from pipeline.bench.reference import PaddleKind, require_paddleocr
    from pipeline.bench.side import Several
    from pipeline.settings import cores

    kinds: dict[str, Kind | Several] = {}
    as_it_comes = PaddleKind(settings.engine.models_directory, wanted.against_profile)
    if PADDLES & wanted.rivals:
        require_paddleocr()
    if Against.PADDLEOCR in wanted.rivals:
        kinds[PADDLE] = as_it_comes
        kinds[PADDLE_SAME_SIZE] = replace(as_it_comes, page_side=settings.engine.page_side)
    if Against.PADDLEOCR_PROCESSES in wanted.rivals:
        kinds[PADDLE_PROCESSES] = Several(replace(as_it_comes, threads=1), cores())
    if Against.BARE in wanted.rivals:
        kinds[BARE] = BareKind(settings)
    return kinds


def _chosen(settings: Settings, wanted: Wanted) -> Documents:
    from pipeline.app import decode_limits
    from pipeline.bench.documents import choose
    from pipeline.bench.reference import reads
    from pipeline.commands.files import found_files

    found = found_files([wanted.documents]).files
    suits = reads if PADDLES & wanted.rivals else lambda name: True
    chosen = choose(found, decode_limits(settings), dpi=settings.decode.dpi, limit=wanted.limit, suits=suits)
    said = f"{counted(len(chosen.files), 'file')}, {counted(chosen.page_count, 'page')}"
    left = f"; {counted(len(chosen.left_out), 'file')} left out, not readable by all" if chosen.left_out else ""
    complain.print(f"{said}{left}")
    return chosen


def _compare(kinds: Kinds, settings: Settings, wanted: Wanted) -> None:
    from pipeline.bench.comparison import compare_sides, record, surroundings
    from pipeline.commands.bench_lines import write_lines
    from pipeline.commands.bench_progress import bench_progress
    from pipeline.commands.bench_report import show, write_json
    from pipeline.settings import cores

    chosen = _chosen(settings, wanted)
    with bench_progress(complain, list(kinds), pages=chosen.page_count, repeat=wanted.repeat) as progress:
        found = compare_sides(kinds, chosen, repeat=wanted.repeat, heard=progress.heard)
    parities = _parities(found, wanted.truth)
    show(found, parities)
    if wanted.json is not None:
        told = {**surroundings(settings), "against_profile": wanted.against_profile, "against_device": "cpu"}
        told["against_processes"] = cores() if Against.PADDLEOCR_PROCESSES in wanted.rivals else None
        write_json(wanted.json, record(found, parities, told))
    if wanted.lines is not None:
        write_lines(wanted.lines, parities)
    if any(one.failed for round_ in found.rounds for one in round_.values()):
        raise typer.Exit(DOCUMENTS_FAILED)


def _parities(found: Comparison, truth: Path | None) -> dict[str, Parity]:
    from pipeline.bench.parity import compare
    from pipeline.bench.truth import truths

    first, known = found.rounds[0], truths(truth, found.documents.files) if truth is not None else {}
    ours = first[found.subject].readings
    return {side: compare(ours, first[side].readings, known) for side in found.sides if side != found.subject}
