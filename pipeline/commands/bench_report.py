"""What `pagestream bench` says when it is done: a table of the sides, where the time went, one sentence of verdict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipeline.bench.comparison import BARE, OURS, PADDLE, PADDLE_PROCESSES, PADDLE_SAME_SIZE, PIPELINE, Comparison
from pipeline.bench.figures import Spread, busy_share, spread, stage_seconds
from pipeline.bench.parity import Parity
from pipeline.commands.output import write_whole
from pipeline.commands.terminal import output, shown
from pipeline.render.words import counted

LABELS = {
    OURS: "pagestream",
    PADDLE: "PaddleOCR as it comes",
    PADDLE_SAME_SIZE: "PaddleOCR at our size",
    PADDLE_PROCESSES: "PaddleOCR, a process a core",
    BARE: "our engines alone",
    PIPELINE: "event to outcome",
}

PADDLES = {
    PADDLE: "PaddleOCR as it comes",
    PADDLE_SAME_SIZE: "PaddleOCR at our detection size",
    PADDLE_PROCESSES: "PaddleOCR in one process a core",
}
"""In a sentence."""

STEPS = {
    "fetch": "reading files",
    "decode": "decoding",
    "detect": "finding lines",
    "crop": "cutting lines out",
    "recognise": "reading lines",
    "store": "writing results",
    "idle": "lanes without work",
}
"""In the order of the path. Those of an engine are its lanes' own time; the others run beside them."""


def show(found: Comparison, parities: Mapping[str, Parity]) -> None:
    console = output()
    above_sides, above_steps = titles(found)
    console.print(above_sides)
    console.print(_sides(found, parities))
    console.print(above_steps)
    console.print(_steps(found))
    for side in found.sides:
        _show_failed(console, found, side)
    console.print(verdict(found, parities), soft_wrap=True)


def titles(found: Comparison) -> tuple[str, str]:
    """Above the table of sides, and above that of steps."""
    over = f"{counted(len(found.rounds), 'round')} over {counted(found.documents.page_count, 'page')}"
    ratio, work = f"ratio: {found.subject} over it", "Seconds of work by step, all threads together"
    if found.once:
        return f"{over}, so no median and no range; {ratio}", work
    return f"{over}; median; {ratio}, and its range", f"{work}, median"


def write_json(path: Path, told: Mapping[str, Any]) -> None:
    write_whole(path, orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))


def verdict(found: Comparison, parities: Mapping[str, Parity]) -> str:
    """One sentence, and one more on the text."""
    times = [f"{_times(ratio)} as many as {name}" for side, name in PADDLES.items() if (ratio := found.ratio(side))]
    parts = [", ".join(times).replace("as many", "as many images a second", 1)] if times else []
    if (bare := found.ratio(BARE)) is not None:
        least = "" if found.once else f" (at least {bare.least:.1%})"
        parts.append(f"{bare.median:.1%}{least} of what its engines do alone")
    if not parts:
        rate = spread(found.rounds, found.subject, lambda one: one.images_per_s)
        return f"pagestream reads {rate.median:.2f} images a second."
    whole = " with broker and store" if found.subject == PIPELINE else ""
    parity = parities.get(PADDLE)
    same = f" {parity.same_text:.1%} of lines have the same text." if parity and parity.same_text is not None else ""
    return f"pagestream{whole} reads {'; '.join(parts)}.{same}"


def _sides(found: Comparison, parities: Mapping[str, Parity]) -> Table:
    table = _table("side", "images/s", "lines/s", "ratio", "same text", "busy", "CPU s/image", "peak MB")
    for side in found.sides:
        ratio = found.ratio(side) if side != found.subject else None
        parity = parities.get(side)
        table.add_row(
            LABELS[side],
            f"{spread(found.rounds, side, lambda one: one.images_per_s).median:.2f}",
            f"{spread(found.rounds, side, lambda one: one.lines_per_s).median:.1f}",
            _spread(ratio) if ratio is not None else "",
            _share(parity.same_text if parity is not None else None),
            _share(busy_share(found.rounds, side)),
            f"{spread(found.rounds, side, lambda one: one.cpu_per_image).median:.2f}",
            f"{found.peaks_mb[side]:.0f}",
        )
    return table


def _steps(found: Comparison) -> Table:
    """A column a side that tells its steps."""
    seconds = {side: told for side in found.sides if (told := stage_seconds(found.rounds, side))}
    table = _table("step", *(LABELS[side] for side in seconds))
    for step, label in STEPS.items():
        if any(step in told for told in seconds.values()):
            table.add_row(label, *(f"{told[step]:.1f}" if step in told else "" for told in seconds.values()))
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=name == "ratio")
    return table


def _show_failed(console: Console, found: Comparison, side: str) -> None:
    for name, code in found.rounds[0][side].failed.items():
        console.print(f"not read by {side}, {code}: {shown(name)}", soft_wrap=True)


def _times(ratio: Spread) -> str:
    range_ = f" ({ratio.least:.2f} to {ratio.most:.2f})" if ratio.least < ratio.most else ""
    return f"{ratio.median:.2f} times{range_}"


def _spread(one: Spread) -> str:
    return f"{one.median:.2f} ({one.least:.2f} to {one.most:.2f})" if one.least < one.most else f"{one.median:.2f}"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
