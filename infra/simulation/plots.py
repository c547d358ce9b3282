"""Results as pictures: one function a plot, each an SVG of text and lines."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
from matplotlib import pyplot, ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infra.simulation.measure import quantile
from infra.simulation.scenarios import LOADS, Bench, Result
from infra.simulation.simulate import Run

COLOURS = {
    "ours": "#1b6e8c",
    "ours, one in flight": "#5aa9c4",
    "ours, one bucket": "#a7cfdd",
    "ours, no turns": "#7a5fa3",
    "32 or 50 ms": "#d98c3f",
    "page by page": "#9b9b9b",
}
DETECT, RECOGNISE = "#d98c3f", "#1b6e8c"
GROUP = 15
"""Receipts a point of the curve beside a long document stands for."""

matplotlib.use("Agg")
matplotlib.rcParams.update(
    {
        "svg.hashsalt": "pagestream",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "figure.constrained_layout.use": True,
        "figure.facecolor": "white",
    }
)

Found = Mapping[str, Sequence[Result]]
"""A bench's key -> its results."""


def throughput(benches: Sequence[Bench], found: Found) -> Figure:
    figure, axes = pyplot.subplots(1, len(benches), figsize=(8, 2.5), sharey=True)
    for bench, ax in zip(benches, axes, strict=True):
        chosen = [result for result in found[bench.key] if result.pattern == "all at once"][::-1]
        bars = ax.barh(
            [result.contender for result in chosen],
            [result.numbers.pages_per_s for result in chosen],
            color=[COLOURS[result.contender] for result in chosen],
        )
        ax.bar_label(bars, fmt="%.3g", padding=3)
        ax.margins(x=0.15)
        ax.set(title=bench.device.name, xlabel="receipts a second, all there at once")
    return figure


def latency(benches: Sequence[Bench], found: Found) -> Figure:
    figure, axes = pyplot.subplots(1, len(benches), figsize=(8, 3.2))
    for bench, ax in zip(benches, axes, strict=True):
        steady = [result for result in found[bench.key] if result.pattern.startswith("steady")]
        for name in dict.fromkeys(result.contender for result in steady):
            chosen = [result for result in steady if result.contender == name]
            ax.plot(
                [100 * load for load in LOADS],
                [result.numbers.p95 for result in chosen],
                marker="o",
                markersize=4,
                color=COLOURS[name],
                label=name,
            )
        ax.set_yscale("log")
        _plain_seconds(ax)
        ax.set(title=bench.device.name, xlabel="load, % of what ours can read", ylabel="95 % of receipts within, s")
        ax.set_xticks([100 * load for load in LOADS])
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def beside_a_book(benches: Sequence[Bench], found: Found) -> Figure:
    """Each point: the slowest of some receipts that arrived one after another."""
    figure, axes = pyplot.subplots(1, len(benches), figsize=(8, 3.2))
    for bench, ax in zip(benches, axes, strict=True):
        beside = [result for result in found[bench.key] if result.pattern.startswith("beside")]
        for name in ("page by page", "ours, no turns", "ours"):
            (run,) = (result.run for result in beside if result.contender == name)
            ax.plot(*_slowest(run), color=COLOURS[name], label=name)
        (book,) = (document.at for document in run.documents if document.kind == "book")
        ax.axvline(book, color="#555555", linewidth=0.8, linestyle=":", label="600 pages arrive")
        ax.set_yscale("log")
        _plain_seconds(ax)
        ax.set(title=bench.device.name, xlabel="a receipt arrives at, s", ylabel="until it is published, s")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def computed(benches: Sequence[Bench], found: Found) -> Figure:
    """Where the columns that a recogniser computes go."""
    figure, axes = pyplot.subplots(1, len(benches), figsize=(8, 2.5), sharey=True)
    for bench, ax in zip(benches, axes, strict=True):
        chosen = [result for result in found[bench.key] if result.pattern == "all at once"][::-1]
        names = [result.contender for result in chosen]
        text = [100 * (1 - result.numbers.padding) for result in chosen]
        ax.barh(names, text, color=RECOGNISE, label="lines of text")
        ax.barh(names, [100 - share for share in text], left=text, color="#dddddd", label="padding and blank rows")
        ax.set(title=bench.device.name, xlabel="% of the columns the recogniser computes", xlim=(0, 100))
    figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, fontsize=8, loc="outside lower center", ncols=2)
    return figure


def lanes_at_work(runs: Mapping[str, Run], until: float) -> Figure:
    """Who does what when, on each lane, from the first batch on."""
    figure, axes = pyplot.subplots(len(runs), 1, figsize=(8, 1.05 * len(runs) + 0.5), sharex=True)
    for (name, run), ax in zip(runs.items(), axes, strict=True):
        began = min(batch.started for batch in run.batches)
        for lane, (stage, colour) in itertools.product(
            range(run.lanes), (("detect", DETECT), ("recognise", RECOGNISE))
        ):
            batches = [batch for batch in run.batches if (batch.lane, batch.stage) == (lane, stage)]
            ax.broken_barh(
                [(batch.started - began, batch.ended - batch.started) for batch in batches if batch.started < until],
                (lane - 0.4, 0.8),
                facecolor=colour,
                edgecolor="white",
                linewidth=0.4,
            )
        ax.set(title=name, xlim=(0, until), ylim=(run.lanes - 0.5, -0.5))
        ax.set_yticks(range(run.lanes), [f"lane {lane + 1}" for lane in range(run.lanes)])
    axes[-1].set_xlabel("seconds (orange: a page detected; blue: lines read)")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Without a date, so that the same numbers make the same file."""
    metadata = {"Date": None} if path.suffix == ".svg" else None
    figure.savefig(path, metadata=metadata, dpi=110)
    pyplot.close(figure)


def _slowest(run: Run) -> tuple[list[float], list[float]]:
    receipts = [(d.at, run.left[n] - d.at) for n, d in enumerate(run.documents) if d.kind == "receipt"]
    groups = [receipts[start : start + GROUP] for start in range(0, len(receipts), GROUP)]
    return [group[0][0] for group in groups], [quantile([wait for _, wait in group], 1.0) for group in groups]


def _plain_seconds(ax: Axes) -> None:
    """0.1, 1, 10 rather than powers."""
    ax.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(ticker.NullFormatter())
