"""The reliability plot of docs/: how often lines are right at the confidence that they state.

    python -m infra.reliability docs/calibration.svg "receipts=receipts.json" "other pages=others.json"

Each file is the `--json` of `pagestream bench --calibrate`; shown are the documents that nothing was fitted to.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import orjson
from matplotlib import pyplot
from matplotlib.axes import Axes

SHOWN = "as delivered, documents to show on"
COLOURS = ("#1b6e8c", "#d98c3f", "#6b8e4e")
LARGEST_POINT = 120.0
"""Area, in square points, of the dot of the fullest bin; those of others by their lines."""

matplotlib.use("Agg")
matplotlib.rcParams.update({"svg.hashsalt": "pagestream", "svg.fonttype": "none", "font.size": 9})


def draw(records: Mapping[str, dict[str, Any]], path: Path) -> None:
    """`records`: what a set of pages is called -> what the bench wrote of it."""
    figure, axes = pyplot.subplots(figsize=(4.4, 4.0), layout="constrained")
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8)
    for (name, record), colour in zip(records.items(), COLOURS, strict=False):
        _line(axes, name, record["reliability"][SHOWN], colour)
    axes.set(xlabel="confidence stated", ylabel="share of lines that are right", xlim=(0, 1.02), ylim=(0, 1.04))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    figure.savefig(path, metadata={"Date": None})  # without a date the same figures make the same file
    pyplot.close(figure)


def _line(axes: Axes, name: str, found: dict[str, Any], colour: str) -> None:
    bins = found["bins"]
    stated, right = [one["stated"] for one in bins], [one["right"] for one in bins]
    most = max(one["lines"] for one in bins)
    axes.plot(stated, right, color=colour, linewidth=1, label=f"{name}, {found['lines']:,} lines")
    axes.scatter(stated, right, s=[LARGEST_POINT * one["lines"] / most for one in bins], color=colour)


def main() -> None:
    path, *named = sys.argv[1:]
    pairs = [one.split("=", 1) for one in named]
    draw({name: orjson.loads(Path(file).read_bytes()) for name, file in pairs}, Path(path))


if __name__ == "__main__":
    main()
