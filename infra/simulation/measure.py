"""What a run says in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from infra.simulation.arrivals import Kind
from infra.simulation.simulate import Batch, Run
from pipeline.core.batching import Closed


@dataclass(frozen=True, slots=True)
class Numbers:
    """Shares are from 0 to 1, times in seconds.

    pages_per_s    pages over the time from the first arrival to the last publication
    p50, p95, longest   from a receipt's arrival to its publication
    book_s         the same of the long document; None where there is none
    fill           items in all rows that were computed, blank ones included
    padding        computed pixels or columns of lines that are no part of an item
    busy           lanes at work
    idle_beside_work   lanes idle while items wait
    wait_p95       of a line, from found to taken by a lane
    closed         batches by the reason they were closed
    """

    pages_per_s: float
    p50: float
    p95: float
    longest: float
    book_s: float | None
    fill: float
    padding: float
    busy: float
    idle_beside_work: float
    wait_p95: float
    closed: dict[Closed, float]


def measure(run: Run) -> Numbers:
    first, last = run.documents[0].at, max(run.left.values())
    receipts, books = latencies(run, "receipt"), latencies(run, "book")
    lines = [batch for batch in run.batches if batch.stage == "recognise"]
    reasons = Counter(batch.closed for batch in run.batches)
    return Numbers(
        pages_per_s=sum(len(document.pages) for document in run.documents) / (last - first),
        p50=quantile(receipts, 0.5),
        p95=quantile(receipts, 0.95),
        longest=max(receipts, default=0.0),
        book_s=max(books, default=None),
        fill=sum(batch.items for batch in lines) / sum(batch.rows for batch in lines),
        padding=1 - sum(batch.own for batch in lines) / sum(batch.padded for batch in lines),
        busy=sum(batch.ended - batch.started for batch in run.batches) / (last - first) / run.lanes,
        idle_beside_work=_idle_beside_work(run) / (last - first) / run.lanes,
        wait_p95=quantile([wait for batch in lines for wait in batch.waits], 0.95),
        closed={reason: count / len(run.batches) for reason, count in reasons.items()},
    )


def latencies(run: Run, kind: Kind) -> list[float]:
    """In the order of arrival."""
    return [run.left[n] - document.at for n, document in enumerate(run.documents) if document.kind == kind]


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that so many are at or below; 0 of none."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def _idle_beside_work(run: Run) -> float:
    """Seconds of idle lanes while items waited, over all lanes."""
    seconds, before, busy, waiting = 0.0, 0.0, 0, 0
    for at, change, waits in sorted([*_turns(run.batches), *((at, 0, count) for at, count in run.waiting)]):
        if waiting:
            seconds += (at - before) * (run.lanes - busy)
        before, busy = at, busy + change
        waiting = waiting if waits == _SAME else waits
    return seconds


_SAME = -1


def _turns(batches: Iterable[Batch]) -> Iterator[tuple[float, int, int]]:
    """Lanes taking a batch up and laying it down."""
    for batch in batches:
        yield batch.started, 1, _SAME
        yield batch.ended, -1, _SAME
