"""Laws of the simulation: nothing is lost, time goes forward, and the page says what the code gives."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.simulation import report
from infra.simulation.arrivals import Document, backlog, beside, bursts, steady
from infra.simulation.contenders import Contender, contenders, first_come
from infra.simulation.device import CPU, GPU, Device, Piece, Price, Tensor, work
from infra.simulation.measure import measure, quantile
from infra.simulation.scenarios import BENCHES, SEED, Bench, Result
from infra.simulation.simulate import Batch, Run, Setup, simulate
from pipeline.core.events import Stage

PAGE = Path(__file__).parents[2] / "docs" / "batching.md"

PATTERNS: dict[str, tuple[Document, ...]] = {
    "all at once": backlog(8, seed=1),
    "one by one": steady(3.0, 8, seed=2),
    "in bursts": bursts(3, 0.5, 8, seed=3),
    "beside a long one": beside(steady(3.0, 8, seed=4), 12, 0.1, seed=5),
}
EVERYONE = [(device, contender) for device in (CPU, GPU) for contender in (*contenders(device), first_come(device))]
NAMES = [f"{contender.name}, {device.name[:3]}" for device, contender in EVERYONE]


@pytest.mark.parametrize(("device", "contender"), EVERYONE, ids=NAMES)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_page_and_line_is_worked_on_once(pattern: str, device: Device, contender: Contender) -> None:
    """Under every policy and pattern all documents leave, and each page and line goes through one batch."""
    documents = PATTERNS[pattern]
    run = simulate(documents, contender, device)
    pages = [page for document in documents for page in document.pages]
    assert set(run.left) == set(range(len(documents)))
    assert _items(run, "detect") == len(pages)
    assert _items(run, "recognise") == sum(len(page.lines) for page in pages)


@pytest.mark.parametrize(("device", "contender"), EVERYONE, ids=NAMES)
def test_time_goes_forward(device: Device, contender: Contender) -> None:
    """Nothing leaves before it came or is taken before it waits, and a lane has one batch at a time."""
    documents = PATTERNS["beside a long one"]
    run = simulate(documents, contender, device)
    assert all(run.left[number] > document.at for number, document in enumerate(documents))
    assert all(wait >= 0 for batch in run.batches for wait in batch.waits)
    assert all(before <= after for (before, _), (after, _) in pairwise(run.waiting))
    for lane in range(device.lanes):
        batches = [batch for batch in run.batches if batch.lane == lane]
        assert all(first.ended <= second.started for first, second in pairwise(batches))


def test_one_lane_reads_as_long_as_its_work_takes() -> None:
    """A lane of its own is busy for just the seconds that the model says its pages and lines cost."""
    documents = backlog(3, seed=7)
    run = simulate(documents, contenders(CPU)[0], CPU.with_lanes(1))
    detect, recognise = CPU.prices["detect"], CPU.prices["recognise"]
    pages = [page for document in documents for page in document.pages]
    seconds = sum(detect.unit_s * page.height * page.width for page in pages)
    seconds += sum(recognise.run_s + recognise.unit_s * columns for page in pages for columns in page.lines)
    assert sum(batch.ended - batch.started for batch in run.batches) == pytest.approx(seconds)


def test_the_same_seed_gives_the_same_run() -> None:
    """Chance is all in the seed."""
    runs = [simulate(steady(2.0, 10, seed=9), contenders(GPU)[0], GPU, Setup()) for _ in range(2)]
    assert (runs[0].batches, runs[0].left) == (runs[1].batches, runs[1].left)
    assert steady(2.0, 10, seed=9) != steady(2.0, 10, seed=8)


def test_an_idle_lane_beside_work_is_seen() -> None:
    """Seconds are counted in which something waits and a lane has nothing, once for each such lane."""
    documents = backlog(1, seed=1)
    run = Run(documents, lanes=2, left={0: 10.0}, waiting=[(1.0, 3), (4.0, 0)])
    run.batches.append(
        Batch("recognise", 0, 1, 1, own=8, padded=8, closed="full", started=2.0, ended=8.0, waits=(1.0,), device_s=0.0)
    )
    found = measure(run)
    assert found.idle_beside_work == pytest.approx((1.0 * 2 + 2.0 * 1) / 10.0 / 2)
    assert found.busy == pytest.approx(6.0 / 10.0 / 2)


pieces = st.lists(st.integers(1, 3_000).map(lambda own: Piece(own, own + own % 64)), min_size=1, max_size=40)


@given(pieces, st.sampled_from(["apart", "together"]), st.sampled_from([0, 4, 32]))
def test_a_batch_computes_at_least_its_items(batch: list[Piece], tensor: Tensor, rows: int) -> None:
    """Rows and padding are never less than what is in them, and apart there is no padding but a bucket's."""
    done = work(Price(1.0, 1.0), batch, tensor, rows)
    assert done.rows >= len(batch)
    assert done.padded >= sum(piece.padded for piece in batch)
    if tensor == "apart":
        assert (done.rows, done.padded) == (len(batch), sum(piece.padded for piece in batch))
    elif rows:
        assert done.rows % rows == 0


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0, 1))
def test_so_many_are_within_a_quantile(values: list[float], share: float) -> None:
    """At least the asked share of values is at or below it, and it is one of them."""
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)


@pytest.mark.parametrize("bench", BENCHES, ids=[bench.key for bench in BENCHES])
def test_the_page_has_the_numbers_of_this_code(bench: Bench) -> None:
    """After a change of policy or model the page is to be written anew: `python -m infra.simulation`."""
    ours = contenders(bench.device)[0]
    run = simulate(backlog(bench.receipts, seed=SEED), ours, bench.device, bench.setup)
    row = report.row(Result("all at once", ours.name, measure(run), run))
    assert f"| {' | '.join(row)} |" in PAGE.read_text().splitlines()


def test_pictures_on_the_page_are_there_and_small() -> None:
    """Each picture lies beside the page, is an SVG below 60 kB, and has no date."""
    pictures = re.findall(r"!\[.+\]\((.+)\)", PAGE.read_text())
    assert pictures
    for name in pictures:
        text = (PAGE.parent / name).read_text()
        assert text.startswith("<?xml")
        assert len(text) < 60_000
        assert "dc:date" not in text


def _items(run: Run, stage: Stage) -> int:
    return sum(batch.items for batch in run.batches if batch.stage == stage)
