"""`pagestream bench --soak`: does memory stay flat over thousands of pages? A curve, and one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pipeline.bench.comparison import surroundings
from pipeline.bench.documents import Documents
from pipeline.bench.memory import SETTLED_PAGES, Curve, growth
from pipeline.bench.soak import Soaked, soak
from pipeline.commands.bench_progress import bench_progress
from pipeline.commands.bench_report import write_json
from pipeline.commands.exits import DOCUMENTS_FAILED, complain
from pipeline.commands.terminal import output, shown
from pipeline.render.words import counted
from pipeline.settings import Settings

BARS = "▁▂▃▄▅▆▇█"
ROWS = 12


def soak_and_show(settings: Settings, documents: Documents, pages: int, json: Path | None) -> None:
    """Exit code 1 if a document could not be read."""
    with bench_progress(complain, ["pagestream"], pages=pages, repeat=1) as progress:
        found = soak(settings, documents, pages, lambda count: progress.heard("pagestream", count))
    if json is not None:
        write_json(json, soak_record(found, settings, documents))
    console = output()
    console.print("Memory of the worker and its decoders, resident")
    console.print(_table(found.curve))
    console.print(spark([mb for _, mb in found.curve]))
    for name, code in found.done.failed.items():
        console.print(f"not read, {code}: {shown(name)}", soft_wrap=True)
    console.print(verdict(found), soft_wrap=True)
    if found.done.failed:
        raise typer.Exit(DOCUMENTS_FAILED)


def soak_record(found: Soaked, settings: Settings, documents: Documents) -> dict[str, Any]:
    return {
        "memory_mb": [[pages, round(mb, 1)] for pages, mb in found.curve],
        "memory_growth_500_on": growth(found.curve),
        "peak_rss_mb": found.peak_mb,
        "images_per_s": found.done.images_per_s,
        "settings": {**surroundings(settings), "files": len(documents.files), "pages": found.done.pages},
    }


def verdict(found: Soaked) -> str:
    change = growth(found.curve)
    read = f"{counted(found.done.pages, 'page')} in {found.done.seconds:.0f} s, at most {found.peak_mb:.0f} MB."
    if change is None:
        return f"{read} Too few pages to say whether memory grows."
    return f"{read} From the quarter after page {SETTLED_PAGES} to the last quarter memory changed by {change:+.1%}."


def spark(values: list[float]) -> str:
    """A bar a value, from zero to the largest: growth shows as what it is."""
    top = max(values, default=0.0) or 1.0
    return "".join(BARS[min(len(BARS) - 1, int(value / top * len(BARS)))] for value in values)


def _table(curve: Curve) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("pages", justify="right")
    table.add_column("MB", justify="right")
    step = max(1, len(curve) // ROWS)
    for pages, mb in curve[::step]:
        table.add_row(str(pages), f"{mb:.0f}")
    return table
