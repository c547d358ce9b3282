"""`pagestream engines`: what runs models here, and what TensorRT must build before it can."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.commands.exits import complain, told_plainly
from pipeline.commands.terminal import output, shown
from pipeline.engines.engine_cache import Work, cached
from pipeline.settings import Settings, load_settings

engines = typer.Typer(name="engines", help="What runs the models here, and what must be built for a GPU.")

Profile = Annotated[str | None, typer.Option(help="Models: tiny, small, or one that was fetched.")]
GpuDevice = Annotated[
    Literal["cuda", "tensorrt"],
    typer.Option(help="For cuda nothing is kept: every batch is tried once, to see that it fits."),
]
EngineName = Annotated[Literal["onnx", "paddleocr"] | None, typer.Option(help="What runs the models.")]
Precision = Annotated[
    Literal["f32", "f16"] | None, typer.Option(help="Arithmetic; the worker's settings must name the same.")
]


@engines.command("list")
def listed() -> None:
    """Each engine and device, whether it can run here or what is missing; and what TensorRT has built."""
    from pipeline.engines import paddle, session

    with told_plainly():
        settings = load_settings()
    console = output()
    table = Table("engine", "device", "here", title="Engines")
    for engine, lacking in (("onnx", session.lacking), ("paddleocr", paddle.lacking)):
        for device in ("cpu", "cuda", "tensorrt"):
            table.add_row(engine, device, lacking(device, 0) or "yes")
    console.print(table)
    console.print(_cache_table(settings.engine.cache_directory))


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
        console.print(_cache_table(settings.engine.cache_directory))
    else:
        console.print(f"Every batch runs on {device}.")


def _work(settings: Settings) -> Work:
    from pipeline.app import engine_settings
    from pipeline.engines import build, paddle

    build_engine = paddle.build if settings.engine.name == "paddleocr" else build.build
    return build_engine(engine_settings(settings))


def _bar() -> Progress:
    return Progress(
        BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"), console=complain
    )


def _cache_table(root: Path) -> Table:
    columns = ("gpu", "tensorrt", "model", "sha256", "precision", "batches", "MB")
    table = Table(*columns, title=f"Built for TensorRT, in {shown(root)}")
    for entry in cached(root):
        size = f"{entry.size / 1e6:,.1f}"
        if entry.built is None:
            table.add_row("", "", f"{entry.folder.name}: not finished", "", "", "", size)
            continue
        built = entry.built
        gpu = f"{built.gpu}, {built.capability}"
        table.add_row(gpu, built.tensorrt, built.model, built.sha256[:12], built.precision, built.shapes, size)
    return table
