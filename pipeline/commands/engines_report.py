"""What `pagestream engines` says: what runs where, what TensorRT has built, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.commands.terminal import shown
from pipeline.engines.engine_cache import Cached
from pipeline.settings import EngineSection

Lacks = Mapping[tuple[str, str], str | None]
"""Engine and device -> what this machine lacks for them, None for nothing."""

EXPLAINED = (
    "onnx is pagestream's own engine; paddleocr is PaddleOCR's code, to compare with. "
    "cuda and tensorrt are ways to use an NVIDIA GPU."
)
INSTALL_AGAIN = "`.venv/bin/pip install -e .` in the clone again."


def show_engines(console: Console, lacks: Lacks) -> None:
    table = Table("engine", "device", "runs here", title="What can run the models")
    for (name, device), lack in lacks.items():
        table.add_row(name, device, "yes" if lack is None else f"no: {lack}")
    console.print(table)
    console.print(EXPLAINED, soft_wrap=True)


def show_cache(console: Console, root: Path, found: Sequence[Cached]) -> None:
    if not found:
        console.print(
            f"Built for TensorRT, in {shown(root)}: nothing. Other devices need nothing built.", soft_wrap=True
        )
        return
    columns = ("state", "gpu", "tensorrt", "model", "sha256", "precision", "batches", "MB")
    table = Table(*columns, title=f"Built for TensorRT, in {shown(root)}")
    for entry in found:
        size = f"{entry.size / 1e6:,.1f}"
        if entry.built is None:
            table.add_row("not finished", "", "", entry.folder.name, "", "", "", size)
            continue
        built = entry.built
        state = "whole" if entry.whole else "damaged"
        gpu = f"{built.gpu}, {built.capability}"
        table.add_row(state, gpu, built.tensorrt, built.model, built.sha256[:12], built.precision, built.shapes, size)
    console.print(table)
    if not all(entry.whole for entry in found):
        told = "No worker uses what is not whole: build it again, or delete its folder."
        console.print(told, soft_wrap=True)


def show_next(console: Console, engine: EngineSection, lacks: Lacks, *, built: bool) -> None:
    """`built`: whether the cache holds anything that a worker may use."""
    name = "onnx" if engine.name == "batched" else engine.name
    runs = lacks.get((name, engine.device)) is None
    state = "it runs here" if runs else "it can't run here"
    console.print(f"Your settings: {engine.name} on {engine.device}; {state}.", soft_wrap=True)
    console.print(f"Next: {_next(name, engine.device, runs=runs, built=built)}", soft_wrap=True)


def _next(name: str, device: str, *, runs: bool, built: bool) -> str:
    if not runs and device == "cpu":
        return "`make paddle` in the clone, or PAGESTREAM_ENGINE__NAME=onnx." if name == "paddleocr" else INSTALL_AGAIN
    if not runs:
        return "install what docs/gpu.md names, or set PAGESTREAM_ENGINE__DEVICE=cpu."
    if device == "cuda":
        return "`pagestream engines build --device cuda` tries every batch once; then `pagestream check`."
    if device == "tensorrt" and not built:
        return "`pagestream engines build`, which takes minutes; then `pagestream check`."
    return "`pagestream check` reads a page with it."
