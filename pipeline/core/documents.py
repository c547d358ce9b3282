"""Every document that is ours to end, and all that is held for it: forgetting one forgets it everywhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pipeline.core.events import Forget, Outcome, PageOutcome, Read, Unit, UnitId
from pipeline.core.gather import Gather
from pipeline.core.loading import Loading
from pipeline.core.reading import Reading
from pipeline.core.settling import Settling


@dataclass(slots=True)
class Document:
    """A document that is ours to end. `tries` counts failures in a row that were not its fault.

    One that was refused and not `begun` takes no room: it may have to wait for siblings that are to begin yet.
    """

    unit: Unit
    begun: bool = True
    tries: int = 0
    pages: Gather[PageOutcome] | None = None
    result: Read | None = None


class Documents:
    """The documents, with their places in the steps. A step is told of a document directly; the end goes through here.

    `loading`, `reading` and `settling` hold what is a document's own besides its entry here.
    """

    def __init__(self, loading: Loading, reading: Reading, settling: Settling) -> None:
        self._loading = loading
        self._reading = reading
        self._settling = settling
        self._held: dict[UnitId, Document] = {}
        self.any_begun = False
        """Whether there ever was one."""

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[UnitId]:
        return iter(self._held)

    def get(self, unit: UnitId | None) -> Document | None:
        return self._held.get(unit) if unit is not None else None

    @property
    def begun(self) -> list[UnitId]:
        return [unit for unit, document in self._held.items() if document.begun]

    def begin(self, unit: Unit) -> None:
        self._held[unit.id] = Document(unit)
        self.any_begun = True
        self._loading.want(unit)

    def undo(self, document: Document) -> None:
        """What was done for it is void; it stays ours."""
        document.pages = None
        self._leave_steps(document.unit.id)

    def end(self, outcome: Outcome) -> None:
        """It ends without a result."""
        unit = outcome.unit
        self._held.setdefault(unit.id, Document(unit, begun=False))
        self._leave_steps(unit.id)
        self._settling.add(outcome)

    def published(self) -> None:
        """The open round is final."""
        for outcome in self._settling.published():
            self._held.pop(outcome.unit.id, None)
            self._loading.drop(outcome.unit.id)

    def taken_back(self) -> Iterator[Forget]:
        """The open round was aborted: documents whose partition was given up meanwhile are nobody's now."""
        for outcome in self._settling.failed():
            self._held.pop(outcome.unit.id, None)
            yield Forget(outcome.unit.id)

    def forget(self, units: Collection[UnitId]) -> Iterator[Forget]:
        """Those in the open round are told of when it ends."""
        held = [unit for unit in units if not self._settling.carries(unit)]
        for unit in units:
            self._held.pop(unit, None)
            self._loading.drop(unit)
        self._reading.drop(set(units))
        self._settling.drop(set(units))
        yield from (Forget(unit) for unit in held)

    def _leave_steps(self, unit: UnitId) -> None:
        self._loading.drop(unit)
        self._reading.drop({unit})
