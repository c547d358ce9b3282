"""`pagestream bench --calibrate`: how often lines are right at their confidence, and better weights for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pipeline.bench.calibration import (
    Judged,
    Reliability,
    Weights,
    cross_validated,
    fitted,
    halves,
    judged,
    reliability,
    restated,
)
from pipeline.bench.comparison import surroundings
from pipeline.bench.documents import Documents
from pipeline.bench.ours import OurSide
from pipeline.bench.truth import truths
from pipeline.commands.bench_progress import bench_progress
from pipeline.commands.bench_report import write_json
from pipeline.commands.exits import DOCUMENTS_FAILED, complain
from pipeline.commands.terminal import output, shown
from pipeline.errors import Fatal
from pipeline.settings import Settings


def calibrate_and_show(settings: Settings, documents: Documents, truth: Path, json: Path | None) -> None:
    """Exit code 1 if a document could not be read. Raises Fatal `bench_bad_truth` where too little is transcribed."""
    side = OurSide(settings)
    try:
        with bench_progress(complain, ["pagestream"], pages=documents.page_count, repeat=1) as progress:
            read = side.run(documents.files, lambda count: progress.heard("pagestream", count))
    finally:
        side.close()
    lines = judged(read.readings, truths(truth, documents.files))
    first, second = halves(lines)
    if not first or not second:
        raise Fatal(
            "Too few lines have a transcript in the --truth folder; transcribe more documents.",
            code="bench_bad_truth",
            stage="bench",
        )
    weights = fitted(first)
    found = {
        "as delivered, documents to fit to": reliability(first),
        "as delivered, documents to show on": reliability(second),
        "fitted again, documents to show on": reliability(restated(second, weights)),
        "fitted again, all, in five folds": reliability(cross_validated(lines)),
    }
    _tell(found, weights)
    if json is not None:
        write_json(json, _record(found, weights, lines, surroundings(settings)))
    for name, code in read.failed.items():
        output().print(f"not read, {code}: {shown(name)}", soft_wrap=True)
    if read.failed:
        raise typer.Exit(DOCUMENTS_FAILED)


def _tell(found: dict[str, Reliability], weights: Weights) -> None:
    console = output()
    table = Table("lines", "number", "right", "calibration error", "AUROC", box=SIMPLE_HEAD, pad_edge=False)
    for name, one in found.items():
        table.add_row(name, f"{one.lines:,}", f"{one.right:.1%}", f"{one.error:.4f}", _separation(one))
    console.print(table)
    bins = Table("confidence", "lines", "mean of it", "right", box=SIMPLE_HEAD, pad_edge=False)
    for part in found["as delivered, documents to show on"].bins:
        bins.add_row(f"{part.low:.2f} to {part.high:.2f}", f"{part.lines:,}", f"{part.stated:.3f}", f"{part.right:.3f}")
    console.print(bins)
    console.print(f"weights in use: {_weights(Weights())}; fitted again: {_weights(weights)}", soft_wrap=True)


def _weights(weights: Weights) -> str:
    return f"bias {weights.bias:.3f}, errors {weights.errors:.3f}, length {weights.length:.3f}"


def _separation(one: Reliability) -> str:
    return "" if one.separation is None else f"{one.separation:.4f}"


def _record(
    found: dict[str, Reliability], weights: Weights, lines: Sequence[Judged], settings: dict[str, Any]
) -> dict[str, Any]:
    return {
        "reliability": {name: asdict(one) for name, one in found.items()},
        "weights": {"in_use": asdict(Weights()), "fitted": asdict(weights)},
        "settings": {**settings, "documents": len({line.document for line in lines})},
    }
