"""Is this process fit for work: do its engines read, do they answer in time, has it grown too large?

Where it is not, it asks for a `Drain`: what an engine ends by leaves the starts marked, as after a crash, for a
document may be the cause; a process that has only grown old finishes what it has begun.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.core.documents import Documents
from pipeline.core.events import Drain, LaneFailed, LaneLooks, LaneReady, MemorySeen
from pipeline.core.partitions import Partitions
from pipeline.core.policy import FlowPolicy
from pipeline.core.proving import Proving
from pipeline.core.reading import Reading
from pipeline.errors import Fatal, PagestreamError, Recycle

STALLED = "An engine did not answer in time; look at its device and drivers, or for the document it was given."
OLD = "The process has reached flow.memory_ceiling_mb and ended in good order; start it again."
CEILING_TOO_LOW = "The process takes more memory than flow.memory_ceiling_mb before any work; raise it."

STARTED_S = 60.0
"""How long what a start brings may take to show: the group is joined after the first look at memory. A choice: one that
has begun nothing is recycled once a minute at most."""


class Health:
    """`reading` is kept told of how many lanes are at work."""

    def __init__(self, policy: FlowPolicy, *, partitions: Partitions, reading: Reading, documents: Documents) -> None:
        self._ceiling = policy.memory_ceiling
        self._first_look: float | None = None
        self._proving = Proving(policy.lanes, deadline_s=policy.batch_deadline_s)
        self._partitions = partitions
        self._reading = reading
        self._documents = documents

    @property
    def starting(self) -> bool:
        """Whether a lane has yet to say for the first time whether it reads."""
        return self._proving.starting

    @property
    def whole(self) -> bool:
        """Whether every lane reads."""
        return self._proving.whole

    @property
    def can_read(self) -> bool:
        """Whether any lane does."""
        return self._proving.live > 0

    def due(self) -> float | None:
        """When a lane that is at its known page will be late."""
        return self._proving.due()

    def told(self, event: LaneLooks | LaneReady | LaneFailed | MemorySeen, now: float) -> Iterator[Drain]:
        match event:
            case LaneLooks(lane):
                self._proving.looking(lane, now)
            case LaneReady(lane):
                self._proving.passed(lane)
            case LaneFailed(lane, error):
                self._proving.failed(lane)
                if not self.can_read and not self.starting:
                    yield self.engine_lost(error)
            case MemorySeen(resident):
                yield from self._memory_seen(resident, now)
        self._reading.lanes = self._proving.live

    def look(self, now: float) -> Iterator[Drain]:
        """An engine that is silent for too long is lost."""
        if self._reading.stalled(now) or self._proving.stalled(now):
            yield self.engine_lost(Fatal(STALLED, code="engine_stalled", stage="engine"))

    def engine_lost(self, error: PagestreamError) -> Drain:
        """No engine can go on. The starts stay marked: a document may be the cause."""
        self._partitions.drop(list(self._partitions))
        return Drain(_beyond_help(error))

    def _memory_seen(self, resident: int, now: float) -> Iterator[Drain]:
        """Too large as it starts, the next process would be no better. Grown since, by work or idle, it would."""
        self._first_look = now if self._first_look is None else self._first_look
        if self._ceiling is None or resident < self._ceiling:
            return
        if self._documents.any_begun or now - self._first_look >= STARTED_S:
            yield Drain(Recycle(OLD))
        else:
            yield Drain(Fatal(CEILING_TOO_LOW, code="memory_ceiling_too_low", stage="settings"))


def _beyond_help(error: PagestreamError) -> Fatal:
    """The same reason, as one that ends the worker at once."""
    return Fatal(error.message, code=error.code, stage=error.stage)
