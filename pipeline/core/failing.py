"""What becomes of a document that failed, and when there are so many that it is not the documents.

    Rejected                 never            dead
    Retryable, or a defect   later            to the retry topic; dead when attempts are used up
    Environment              here, later      tried again after growing pauses; a run of failures stops the worker
    Fatal                    not with us      stops the worker

A step that asks the worker to stop is a `Drain`; whoever runs the steps carries it out before it takes the next one.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

from pipeline.core.breaker import Breaker
from pipeline.core.documents import Document, Documents
from pipeline.core.events import Command, Dead, Drain, Outcome, Retry, Unit, UnitId
from pipeline.core.policy import FlowPolicy
from pipeline.errors import Environment, Fatal, PagestreamError, Retryable

FLOOD = "So many documents failed that the deployment must be at fault; see the last errors, then restart."

Step = Command | Drain


class Failing:
    """Decides on failures, and holds the documents that wait for their next try in place."""

    def __init__(self, policy: FlowPolicy, documents: Documents) -> None:
        self._retries = policy.retry
        self._environment = policy.environment
        self._breaker = Breaker(policy.breaker)
        self._documents = documents
        self._waiting: list[tuple[float, int, UnitId]] = []
        self._sequence = 0
        self._last = False

    def due(self) -> float | None:
        """When the next try is due."""
        return self._waiting[0][0] if self._waiting else None

    def read(self) -> None:
        """A document was read: a run of failures ends."""
        self._breaker.record(failed=False)

    def failed(self, unit: UnitId, error: PagestreamError, now: float) -> Iterator[Step]:
        """A whole document failed at some step."""
        document = self._documents.get(unit)
        if document is None:
            return
        match error:
            case Environment():
                yield from self._try_again(document, error, now)
            case Fatal():
                yield Drain(error)
            case _:
                yield from self.end(self._retry(document.unit, error, now) or _dead(document.unit, error))

    def without_pages(
        self, unit: Unit, errors: Sequence[PagestreamError], now: float, *, read: int
    ) -> Retry | Dead | None:
        """How a document ends of which pages, or parts of pages, failed and `read` were read; None if it passes."""
        for error in errors:
            if (retry := self._retry(unit, error, now)) is not None:
                return retry
        return _dead(unit, errors[0]) if errors and not read else None

    def dead(self, unit: Unit, error: PagestreamError) -> Iterator[Step]:
        yield from self.end(_dead(unit, error))

    def end(self, outcome: Outcome) -> Iterator[Step]:
        """A document ends without a result. Too many of them in a row, and it is not the documents."""
        if self._breaker.tripped:
            yield from self._documents.forget([outcome.unit.id])
            return
        self._documents.end(outcome)
        self._breaker.record(failed=True)
        if self._breaker.tripped:
            # What has failed so far is still published: else the next start would begin with the same flood. What
            # fails from now on is not.
            yield Drain(Environment(FLOOD, code="too_many_failures", stage="process"))

    def due_again(self, now: float) -> Iterator[Document]:
        """Those whose pause is over."""
        while self._waiting and self._waiting[0][0] <= now:
            document = self._documents.get(heapq.heappop(self._waiting)[2])
            if document is not None:
                yield document

    def try_no_more(self) -> Iterator[Command]:
        """The worker drains: what waits for another try is left to others, now and from now on."""
        self._last = True
        waiting = [unit for _, _, unit in sorted(self._waiting) if self._documents.get(unit) is not None]
        self._waiting.clear()
        yield from self._documents.forget(waiting)

    def _retry(self, unit: Unit, error: PagestreamError, now: float) -> Retry | None:
        """The hand-over to a retry topic, unless the reason can't pass or attempts are used up."""
        delay = self._retries.delay(unit.attempt) if isinstance(error, Retryable) else None
        return None if delay is None else Retry(unit, error, delay, now + delay)

    def _try_again(self, document: Document, error: PagestreamError, now: float) -> Iterator[Step]:
        document.tries += 1
        self._documents.undo(document)
        pause = self._environment.delay(document.tries)
        if pause is None:
            yield Drain(error)
        if pause is None or self._last:
            yield from self._documents.forget([document.unit.id])
            return
        self._sequence += 1
        heapq.heappush(self._waiting, (now + pause, self._sequence, document.unit.id))


def _dead(unit: Unit, error: PagestreamError) -> Dead:
    return Dead(unit, error, unit.attempt)
