"""`pagestream engines`: what runs models here, and what TensorRT must build before it can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.commands.engines_report import show_cache, show_engines, show_next
from pipeline.commands.exits import DOCUMENTS_FAILED, complain, told_plainly
from pipeline.commands.terminal import output
from pipeline.engines.engine_cache import Work, cached
from pipeline.errors import Rejected, Retryable
from pipeline.settings import Settings, cores, load_settings

if TYPE_CHECKING:
    from pipeline.bench.alike import Alike
    from pipeline.engines.base import Engine, Image

engines = typer.Typer(name="engines", help="What runs the models here, and what must be built for a GPU.")

Profile = Annotated[str | None, typer.Option(help="Models: tiny, small, or one that was fetched.")]
GpuDevice = Annotated[
    Literal["cuda", "tensorrt"],
    typer.Option(help="For cuda nothing is kept: every batch is tried once, to see that it fits."),
]
EngineName = Annotated[Literal["onnx", "paddleocr"] | None, typer.Option(help="What runs the models.")]
Files = Annotated[list[Path], typer.Argument(exists=True, metavar="FILES", help="Images and PDFs, or folders of them.")]
AnyDevice = Annotated[Literal["cpu", "cuda", "tensorrt"] | None, typer.Option(help="What the other engine runs on.")]
OtherName = Annotated[Literal["batched", "paddleocr"], typer.Option(help="The other engine; batched: a GPU's.")]
Precision = Annotated[
    Literal["f32", "f16"] | None, typer.Option(help="Arithmetic; the worker's settings must name the same.")
]


@engines.command("list")
def listed() -> None:
    """Each engine and device, whether it runs here or what is missing; what TensorRT has built; what to do next."""
    from pipeline.engines import paddle, session

    with told_plainly():
        settings = load_settings()
    lacks = {
        (name, device): lacking(device, 0)
        for name, lacking in (("onnx", session.lacking), ("paddleocr", paddle.lacking))
        for device in ("cpu", "cuda", "tensorrt")
    }
    console, found = output(), cached(settings.engine.cache_directory)
    show_engines(console, lacks)
    show_cache(console, settings.engine.cache_directory, found)
    show_next(console, settings.engine, lacks, built=any(entry.whole for entry in found))


@engines.command()
def build(
    profile: Profile = None,
    device: GpuDevice = "tensorrt",
    precision: Precision = None,
    engine: EngineName = None,
) -> None:
    """Build what TensorRT needs for these models on this GPU, and run every batch there can be once.

    Takes minutes. A worker on TensorRT starts only when this has been done
    with its settings: models, precision, page_side, TensorRT, GPU.
    """
    chosen = {"profile": profile, "device": device, "precision": precision, "name": engine}
    with told_plainly():
        settings = load_settings(engine={name: value for name, value in chosen.items() if value is not None})
        work = _work(settings)
        with _bar() as bar:
            task = bar.add_task("", total=work.total)
            for place, step in enumerate(work.steps):
                bar.update(task, completed=place, description=step)
            bar.update(task, completed=work.total, description="done")
    console = output()
    if device == "tensorrt":
        show_cache(console, settings.engine.cache_directory, cached(settings.engine.cache_directory))
    else:
        console.print(f"Every batch runs on {device}.")


@engines.command()
def compare(
    files: Files,
    profile: Profile = None,
    device: AnyDevice = None,
    precision: Precision = None,
    engine: OtherName = "batched",
) -> None:
    """Read files with the CPU's engine and with another, and count the lines on which they differ.

    The first thing to do on a GPU. Without a GPU, batched on a CPU shows
    what its padding does to the text. Slow: every line is read three times.
    Exit code 1 if a file could not be read.
    """
    from pipeline.bench.alike import Alike
    from pipeline.commands.files import found_files

    chosen = {"profile": profile, "device": device, "precision": precision, "name": engine}
    with told_plainly():
        settings = load_settings(engine={name: value for name, value in chosen.items() if value is not None})
        reference, other = _engines(settings)
        alike, left, found = Alike(), 0, found_files(files).files
        with _bar() as bar:
            for name, path in bar.track(found, description="reading twice"):
                try:
                    for image in _pages(path, settings):
                        alike.add(reference, other, image)
                except (Rejected, Retryable) as error:
                    left += 1
                    complain.print(f"left out: {name}: {error.code}", soft_wrap=True)
    _tell(alike, settings)
    if left:
        raise typer.Exit(DOCUMENTS_FAILED)


def _work(settings: Settings) -> Work:
    from pipeline.app import engine_settings
    from pipeline.engines import build, paddle

    build_engine = paddle.build if settings.engine.name == "paddleocr" else build.build
    return build_engine(engine_settings(settings))


def _engines(settings: Settings) -> tuple[Engine, Engine]:
    """The CPU's with the same models, and the one in question."""
    from pipeline.app import engine_settings
    from pipeline.engines.base import load

    asked = engine_settings(settings)
    (reference,) = load("onnx", replace(asked, device="cpu", precision="f32", threads=cores()))
    (other,) = load(settings.engine.name, replace(asked, threads=cores()))
    return reference, other


def _pages(path: Path, settings: Settings) -> Iterator[Image]:
    from pipeline.app import decode_limits
    from pipeline.bench.documents import read_file
    from pipeline.decode.decoder import Decoder

    with Decoder(decode_limits(settings)) as decoder:
        for number, _ in enumerate(decoder.open(read_file(path), dpi=settings.decode.dpi).sizes, 1):
            yield decoder.render(number).image


def _tell(alike: Alike, settings: Settings) -> None:
    engine = settings.engine
    what = f"{engine.name} on {engine.device}, {engine.precision}"
    table = Table("lines", "number", "share", title=f"{what}, against onnx on cpu, f32: {alike.pages} pages")
    table.add_row("read by the CPU's engine", f"{alike.lines:,}", "")
    table.add_row("not found by the other", f"{alike.missed:,}", _share(alike.missed, alike.lines))
    table.add_row("found by the other alone", f"{alike.added:,}", "")
    for title, counts in (("whole path", alike.found), ("same crops", alike.crops)):
        for kind, number in sorted(counts.items(), key=lambda counted: -counted[1]):
            name = "equal" if kind.value == "none" else kind.value
            table.add_row(f"{title}: {name}", f"{number:,}", _share(number, counts.total()))
    table.add_row("same crops: largest gap of confidence where equal", f"{alike.gap:.4f}", "")
    output().print(table)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _bar() -> Progress:
    return Progress(
        BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"), console=complain
    )
