"""`python -m infra.simulation`: writes docs/batching.md and its pictures anew."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from infra.simulation import plots, report
from infra.simulation.scenarios import (
    BENCHES,
    Bench,
    Result,
    capacity,
    four_receipts,
    patterns,
    results,
    surroundings,
    tails,
)

DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.simulation", description="Simulate the batching policy.")
    parser.add_argument("--out", type=Path, default=DOCS, help="where the page and its pictures go (default: docs)")
    parser.add_argument("--format", choices=("svg", "png"), default="svg", help="of the pictures")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    found = {bench.key: _found(bench) for bench in BENCHES}
    pictures = {
        "batching-throughput": plots.throughput(BENCHES, found),
        "batching-latency": plots.latency(BENCHES, found),
        "batching-beside": plots.beside_a_book(BENCHES, found),
        "batching-computed": plots.computed(BENCHES, found),
        "batching-lanes": plots.lanes_at_work(four_receipts(), until=6.0),
    }
    for name, figure in pictures.items():
        plots.save(figure, arguments.out / f"{name}.{arguments.format}")
    _tell("what surrounds the lanes")
    text = report.page(BENCHES, found, list(surroundings()), list(tails()))
    (arguments.out / "batching.md").write_text(text)


def _found(bench: Bench) -> list[Result]:
    rate = capacity(bench)
    return [result for pattern in patterns(bench, rate) for result in results(bench, pattern, _tell)]


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
