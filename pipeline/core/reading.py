"""How pages are read: batches across documents, lanes kept busy, the answers gathered into pages again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from pipeline.core.batching import Batcher, BatchPolicy, Chosen
from pipeline.core.events import (
    STAGES,
    Detected,
    Item,
    PageFailed,
    PageOutcome,
    PageRead,
    Part,
    PartFailed,
    RunBatch,
    Stage,
    UnitId,
)
from pipeline.core.gather import Gather
from pipeline.errors import PagestreamError

AHEAD = 2
"""Batches in flight a lane: one runs and one is ready, so that a lane never waits for the loop that decides."""

SPARED: tuple[Stage, ...] = ("tables",)
"""Stages whose failure a page survives: it is worth publishing without its tables, never without some of its lines."""


@dataclass(slots=True)
class ReadingPage:
    """`answers` and `found` from when it was detected on."""

    sheet: object
    found: object = None
    answers: Gather[object] | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A batch in flight. `pages` are the pages as they were when it began: a page begun anew is another one."""

    stage: Stage
    items: tuple[Item, ...]
    pages: tuple[ReadingPage, ...]
    since: float


@dataclass(frozen=True, slots=True)
class PageEnded:
    unit: UnitId
    outcome: PageOutcome


class Reading:
    """`lanes`: how many are at work now, which changes; `ahead`: batches in flight a lane."""

    def __init__(
        self, policies: Mapping[Stage, BatchPolicy], *, lanes: int, deadline_s: float = 300.0, ahead: int = AHEAD
    ) -> None:
        self._deadline_s = deadline_s
        self._ahead = ahead
        self.lanes = lanes
        self._batchers: dict[Stage, Batcher[Item]] = {
            "detect": Batcher(policies["detect"], owner=lambda item: item.unit),  # no document waits for a long one
            "recognise": Batcher(policies["recognise"]),  # pages are finished in the order they were begun
            "tables": Batcher(policies["tables"]),
        }
        self._running: dict[int, Running] = {}
        self._pages: dict[tuple[UnitId, int], ReadingPage] = {}
        self._batches = 0

    @property
    def waiting(self) -> int:
        return sum(len(batcher) for batcher in self._batchers.values())

    @property
    def running(self) -> int:
        return len(self._running)

    def add_page(self, unit: UnitId, number: int, part: Part, sheet: object, now: float) -> None:
        self._pages[unit, number] = ReadingPage(sheet)
        self._add(Item(unit, number, 0, part, now), now)

    def batch_done(self, batch: int, results: tuple[object, ...], now: float) -> list[PageEnded]:
        done = self._running.pop(batch)
        ended = []
        for item, page, result in zip(done.items, done.pages, results, strict=True):
            if self._pages.get((item.unit, item.page)) is not page:
                continue
            if isinstance(result, Detected):
                page.found, page.answers = result.page, Gather(len(result.parts))
                # The longest lines first: the last portions are small then, and lanes finish together.
                for place, part in sorted(enumerate(result.parts), key=lambda pair: -pair[1].cost):
                    self._add(Item(item.unit, item.page, place, part, now), now)
            else:
                assert page.answers is not None
                page.answers.put(item.place, result)
            if page.answers.complete:
                ended.append(self._ended(item, page, page.answers))
        return ended

    def batch_failed(self, batch: int, error: PagestreamError) -> list[PageEnded]:
        """A batch of several is run again one by one; an item that fails by itself fails its page, unless the page can
        do without it."""
        failed = self._running.pop(batch)
        began = zip(failed.items, failed.pages, strict=True)
        alive = [item for item, page in began if self._pages.get((item.unit, item.page)) is page]
        if len(failed.items) > 1:
            for item in alive:
                self._batchers[failed.stage].add_alone(item)
            return []
        return [ended for item in alive if (ended := self._item_failed(item, error)) is not None]

    def _item_failed(self, item: Item, error: PagestreamError) -> PageEnded | None:
        page = self._pages[item.unit, item.page]
        if item.stage in SPARED and page.answers is not None:
            page.answers.put(item.place, PartFailed(error))
            return self._ended(item, page, page.answers) if page.answers.complete else None
        del self._pages[item.unit, item.page]
        self._discard({item.unit}, page=item.page)
        return PageEnded(item.unit, PageFailed(item.page, error))

    def _ended(self, item: Item, page: ReadingPage, answers: Gather[object]) -> PageEnded:
        del self._pages[item.unit, item.page]
        return PageEnded(item.unit, PageRead(item.page, page.sheet, page.found, answers.whole()))

    def drop(self, units: Collection[UnitId]) -> None:
        self._pages = {key: page for key, page in self._pages.items() if key[0] not in units}
        self._discard(units)

    def commands(self, now: float) -> Iterable[RunBatch]:
        while len(self._running) < self.lanes * self._ahead:
            choice = self._choose(now)
            if choice is None:
                return
            stage, chosen = choice
            self._batches += 1
            pages = tuple(self._pages[item.unit, item.page] for item in chosen.items)
            self._running[self._batches] = Running(stage, chosen.items, pages, now)
            yield RunBatch(self._batches, stage, chosen.items, chosen.closed)

    def stalled(self, now: float) -> bool:
        """An engine has been silent about a batch for too long."""
        return any(batch.since + self._deadline_s <= now for batch in self._running.values())

    def due(self) -> float | None:
        """When a prepared batch stops waiting for company (only lanes with room ahead can use it), or one is late."""
        times = [batch.since + self._deadline_s for batch in self._running.values()]
        if len(self._running) < self.lanes * self._ahead:
            times += [at for batcher in self._batchers.values() if (at := batcher.due()) is not None]
        return min(times, default=None)

    def _choose(self, now: float) -> tuple[Stage, Chosen[Item]] | None:
        """What gains nothing by waiting, then what has waited for company, then for an idle lane whatever there is."""
        asked: list[Callable[[Batcher[Item]], Chosen[Item] | None]] = [
            lambda batcher: batcher.ready(now),
            lambda batcher: batcher.overdue(now),
        ]
        if len(self._running) < self.lanes:
            asked.append(lambda batcher: batcher.partial(now))
        for ask in asked:
            for stage in reversed(STAGES):
                if (chosen := ask(self._batchers[stage])) is not None:
                    return stage, chosen
        return None

    def _add(self, item: Item, now: float) -> None:
        self._batchers[item.stage].add(item, now)

    def _discard(self, units: Collection[UnitId], *, page: int | None = None) -> None:
        for batcher in self._batchers.values():
            batcher.discard(lambda item: item.unit in units and page in (None, item.page))
