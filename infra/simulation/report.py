"""docs/batching.md: what was asked, what the policy is, what the simulation shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from infra.simulation.measure import Numbers
from infra.simulation.scenarios import Bench, Result
from pipeline.core.batching import PASSED_OVER

TEMPLATE = Path(__file__).with_name("batching.md.in")
HEADINGS = ("pattern", "policy", "pages/s", "p50 s", "p95 s", "longest s", "lanes busy", "idle beside work", "fill")
MORE_HEADINGS = ("padding", "full / overdue / idle")


def page(
    benches: Sequence[Bench],
    found: Mapping[str, Sequence[Result]],
    surroundings: Sequence[tuple[str, Numbers]],
    tails: Sequence[tuple[str, float, float]],
) -> str:
    return Template(TEMPLATE.read_text()).substitute(
        passed_over=PASSED_OVER,
        tables="\n\n".join(f"### {bench.device.name}\n\n{table(found[bench.key])}" for bench in benches),
        books="\n".join(books(benches, found)),
        surroundings=rows(
            ("around ours on a card", "receipts/s", "lanes busy"),
            [(name, _figure(n.pages_per_s), _share(n.busy)) for name, n in surroundings],
        ),
        tails=rows(
            ("alone on a CPU", "its lines take, s", "lanes busy meanwhile"),
            [(name, f"{seconds:.2f}", _share(busy)) for name, seconds, busy in tails],
        ),
    )


def table(results: Sequence[Result]) -> str:
    return rows((*HEADINGS, *MORE_HEADINGS), [row(result) for result in results])


def row(result: Result) -> tuple[str, ...]:
    n = result.numbers
    return (
        result.pattern,
        result.contender,
        _figure(n.pages_per_s),
        _figure(n.p50),
        _figure(n.p95),
        _figure(n.longest),
        _share(n.busy),
        _share(n.idle_beside_work),
        _share(n.fill),
        _share(n.padding),
        " / ".join(_share(n.closed.get(reason, 0.0)) for reason in ("full", "overdue", "idle")),
    )


def books(benches: Sequence[Bench], found: Mapping[str, Sequence[Result]]) -> list[str]:
    chosen = [
        (bench.device.name, result)
        for bench in benches
        for result in found[bench.key]
        if result.numbers.book_s is not None
    ]
    return [
        rows(
            ("device", "policy", "receipts p50 s", "receipts p95 s", "the long document s"),
            [
                (name, r.contender, _figure(r.numbers.p50), _figure(r.numbers.p95), _figure(r.numbers.book_s or 0.0))
                for name, r in chosen
            ],
        )
    ]


def rows(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figure(value: float) -> str:
    """Two or three digits: the model has no more."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}" if value >= 10 else f"{value:.2f}"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"
