"""Which runs the report is made of: every contender on every device under every pattern of arrivals."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from infra.simulation.arrivals import Document, backlog, beside, book, bursts, receipt, steady
from infra.simulation.contenders import Contender, contenders, first_come
from infra.simulation.device import CPU, GPU, Device
from infra.simulation.measure import Numbers, measure
from infra.simulation.simulate import Run, Setup, simulate

SEED = 20
BOOK_PAGES = 600
LOADS = (0.5, 0.8, 0.95)
TAILS = 20


@dataclass(frozen=True, slots=True)
class Bench:
    """A device, and sizes of patterns that suit it."""

    key: str
    device: Device
    setup: Setup
    receipts: int
    burst: int
    beside_book: int


@dataclass(frozen=True, slots=True)
class Pattern:
    name: str
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Result:
    pattern: str
    contender: str
    numbers: Numbers
    run: Run


CPU_BENCH = Bench("cpu", CPU, Setup(), receipts=200, burst=20, beside_book=450)
GPU_BENCH = Bench("gpu", GPU, Setup(max_documents=256), receipts=1_000, burst=200, beside_book=800)
BENCHES = (CPU_BENCH, GPU_BENCH)


def capacity(bench: Bench) -> float:
    """Receipts a second that ours reads when all are there at once, to two digits."""
    return float(f"{at_once(bench.device, bench.setup, receipts=bench.receipts).pages_per_s:.2g}")


def patterns(bench: Bench, rate: float) -> tuple[Pattern, ...]:
    """`rate`: the capacity that loads are shares of. Bursts are 70 % of it, receipts beside a long document half."""
    return (
        Pattern("all at once", backlog(bench.receipts, seed=SEED)),
        *(Pattern(f"steady {load:.0%}", steady(load * rate, bench.receipts, seed=SEED)) for load in LOADS),
        Pattern(f"bursts of {bench.burst}", bursts(bench.burst, bench.burst / (0.7 * rate), bench.receipts, seed=SEED)),
        Pattern(
            f"beside {BOOK_PAGES} pages",
            beside(steady(rate / 2, bench.beside_book, seed=SEED), BOOK_PAGES, bench.burst / rate, seed=SEED),
        ),
    )


def results(bench: Bench, pattern: Pattern, tell: Callable[[str], None]) -> Iterator[Result]:
    chosen = contenders(bench.device)
    if pattern.name.startswith("beside"):
        ours, _, _, *others = chosen
        chosen = (ours, first_come(bench.device), *others)
    for contender in chosen:
        tell(f"{bench.key}: {pattern.name}: {contender.name}")
        run = simulate(pattern.documents, contender, bench.device, bench.setup)
        yield Result(pattern.name, contender.name, measure(run), run)


def at_once(device: Device, setup: Setup, *, receipts: int, contender: Contender | None = None) -> Numbers:
    """Throughput of a backlog: what a changed surrounding does to it."""
    return measure(simulate(backlog(receipts, seed=SEED), contender or contenders(device)[0], device, setup))


def surroundings() -> Iterator[tuple[str, Numbers]]:
    """A card needs more around it than lanes."""
    bench = GPU_BENCH
    quick = replace(bench.setup, publish_s=2e-3)
    for setup in (bench.setup, Setup(), quick):
        name = f"{setup.max_documents} documents in flight, a transaction takes {setup.publish_s * 1000:.0f} ms"
        yield name, at_once(bench.device, setup, receipts=bench.receipts)
    for lanes in (1, 2, 8):
        name = f"as the first, {lanes} lane{'s' if lanes > 1 else ''} instead of {bench.device.lanes}"
        yield name, at_once(bench.device.with_lanes(lanes), bench.setup, receipts=bench.receipts)
    fewer = replace(bench.device, decoders=4)
    yield (
        f"as the first, 4 decoders instead of {bench.device.decoders}",
        at_once(fewer, bench.setup, receipts=bench.receipts),
    )


def tails() -> Iterator[tuple[str, float, float]]:
    """One document alone on a CPU: seconds from its first batch of lines to its last, and how busy lanes were then."""
    for name, document in (("a receipt", receipt), ("a dense A4 page", lambda chance, at: book(chance, at, 1))):
        for lanes in (2, 4, 8):
            device = CPU.with_lanes(lanes)
            runs = [
                simulate([document(random.Random(seed), 0.0)], contenders(device)[0], device) for seed in range(TAILS)
            ]
            seconds, busy = zip(*(_reading(run) for run in runs), strict=True)
            yield f"{name}, {lanes} lanes", sum(seconds) / TAILS, sum(busy) / TAILS


def four_receipts() -> dict[str, Run]:
    """Few enough to be drawn: every batch on every lane of a CPU."""
    return {
        contender.name: simulate(backlog(4, seed=SEED), contender, CPU)
        for contender in contenders(CPU)
        if contender.name in ("ours", "32 or 50 ms", "page by page")
    }


def _reading(run: Run) -> tuple[float, float]:
    lines = [batch for batch in run.batches if batch.stage == "recognise"]
    seconds = max(batch.ended for batch in lines) - min(batch.started for batch in lines)
    return seconds, sum(batch.ended - batch.started for batch in lines) / seconds / run.lanes
