"""What `pagestream bench` says when it is done: a table of the sides, where the time went, one sentence of verdict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipeline.bench.comparison import BARE, OURS, PADDLE, PADDLE_SAME_SIZE, Comparison
from pipeline.bench.figures import Spread, busy_share, spread, stage_seconds
from pipeline.bench.parity import Parity
from pipeline.commands.reading import write_whole
from pipeline.commands.terminal import counted, output, shown

LABELS = {
    OURS: "pagestream, files to results",
    PADDLE: "PaddleOCR, as it comes",
    PADDLE_SAME_SIZE: "PaddleOCR, at our detection size",
    BARE: "our engines alone, no pipeline",
}

STEPS = {
    "fetch": "reading files",
    "decode": "decoding",
    "detect": "finding lines",
    "crop": "cutting lines out",
    "recognise": "reading lines",
    "store": "writing results",
}
"""In the order of the path. Those of an engine are its lanes' own time; the others run beside them."""


def show(found: Comparison, parities: Mapping[str, Parity]) -> None:
    console = output()
    console.print(_sides(found, parities))
    console.print(_steps(found))
    for side in found.sides:
        _show_failed(console, found, side)
    console.print(verdict(found, parities), soft_wrap=True)


def write_json(path: Path, told: Mapping[str, Any]) -> None:
    write_whole(path, orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))


def verdict(found: Comparison, parities: Mapping[str, Parity]) -> str:
    """One sentence."""
    ratio, same_size, bare = (found.ratio(side) for side in (PADDLE, PADDLE_SAME_SIZE, BARE))
    parts = []
    if ratio is not None and same_size is not None:
        parts.append(
            f"{_times(ratio)} as many images a second as PaddleOCR as it comes, {_times(same_size)} at the same "
            f"detection size"
        )
    if bare is not None:
        parts.append(f"{bare.median:.0%} of what its engines do alone")
    parity = parities.get(PADDLE)
    same = f" {parity.same_text:.1%} of lines have the same text." if parity and parity.same_text is not None else ""
    if not parts:
        rate = spread(found.rounds, OURS, lambda one: one.images_per_s)
        return f"pagestream reads {rate.median:.2f} images a second."
    return f"pagestream reads {', and '.join(parts)}.{same}"


def _sides(found: Comparison, parities: Mapping[str, Parity]) -> Table:
    title = f"{counted(len(found.rounds), 'round')} over {counted(found.documents.page_count, 'page')}, median (range)"
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    table.add_column("side")
    for name in ("images/s", "lines/s", "ours is faster", "same text", "engines busy", "peak MB"):
        table.add_column(name, justify="right")
    for side in found.sides:
        ratio = found.ratio(side) if side != OURS else None
        parity = parities.get(side)
        table.add_row(
            LABELS[side],
            _spread(spread(found.rounds, side, lambda one: one.images_per_s)),
            f"{spread(found.rounds, side, lambda one: one.lines_per_s).median:.1f}",
            f"{_spread(ratio)} x" if ratio is not None else "",
            _share(parity.same_text if parity is not None else None),
            _share(busy_share(found.rounds, side)),
            f"{found.peaks_mb[side]:.0f}",
        )
    return table


def _steps(found: Comparison) -> Table:
    sides = [side for side in found.sides if stage_seconds(found.rounds, side)]
    seconds = {side: stage_seconds(found.rounds, side) for side in sides}
    table = Table(
        box=SIMPLE_HEAD,
        title="Seconds of work by step, all threads together, median",
        title_justify="left",
        title_style="bold",
        pad_edge=False,
    )
    table.add_column("step")
    for side in sides:
        table.add_column(side, justify="right")
    for step, label in STEPS.items():
        if any(step in seconds[side] for side in sides):
            table.add_row(label, *(f"{seconds[side][step]:.1f}" if step in seconds[side] else "" for side in sides))
    return table


def _show_failed(console: Console, found: Comparison, side: str) -> None:
    for name, code in found.rounds[0][side].failed.items():
        console.print(f"not read by {side}, {code}: {shown(name)}", soft_wrap=True)


def _times(ratio: Spread) -> str:
    return f"{ratio.median:.2f} times ({ratio.least:.2f} to {ratio.most:.2f})"


def _spread(one: Spread) -> str:
    return f"{one.median:.2f} ({one.least:.2f}-{one.most:.2f})"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
