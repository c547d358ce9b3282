"""How documents become pages: who is fetched, which decoder has which document, which page is decoded next.

A document is *loading* from the moment it is fetched until its last page is decoded. Loading documents are bounded
because their undecoded bytes are held; decoded pages are bounded by the memory they take;
pages of documents opened and not settled are bounded because their text is held.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.core.events import CloseDocument, Command, Fetch, Open, Render, Unit, UnitId


@dataclass(slots=True)
class Decoding:
    """A decoder's document. `busy` while an answer is awaited; `dropped` once nobody wants the document any more."""

    unit: Unit
    page_bytes: tuple[int, ...] = ()
    pages: deque[int] = field(default_factory=deque)
    busy: bool = True
    dropped: bool = False


class Loading:
    def __init__(self, *, decoders: int, max_loading: int, max_page_bytes: int, max_pages: int = 2_000) -> None:
        self._max_pages = max_pages
        self._pages: dict[UnitId, int] = {}
        self._free = deque(range(decoders))
        self._decoding: dict[int, Decoding] = {}
        self._max_loading = max_loading
        self._max_page_bytes = max_page_bytes
        self._to_fetch: deque[Unit] = deque()
        self._fetching: set[UnitId] = set()
        self._fetched: deque[tuple[Unit, object]] = deque()
        self._page_bytes: dict[tuple[UnitId, int], int] = {}
        self._held = 0

    def want(self, unit: Unit) -> None:
        self._to_fetch.append(unit)

    def fetched(self, unit: Unit, body: object) -> None:
        self._fetching.discard(unit.id)
        self._fetched.append((unit, body))

    def fetch_failed(self, unit: UnitId) -> None:
        self._fetching.discard(unit)

    def opened(self, decoder: int, page_bytes: tuple[int, ...], selected: Iterable[int]) -> None:
        decoding = self._decoding[decoder]
        decoding.page_bytes = page_bytes
        decoding.pages = deque(selected)
        self._pages[decoding.unit.id] = len(page_bytes)
        decoding.busy = False

    def answered(self, decoder: int) -> UnitId | None:
        """Which document the decoder's answer is about; None if that was dropped meanwhile."""
        decoding = self._decoding[decoder]
        decoding.busy = False
        return None if decoding.dropped else decoding.unit.id

    def hold(self, unit: UnitId, page: int, size: int) -> None:
        self._held += size - self._page_bytes.get((unit, page), 0)
        self._page_bytes[unit, page] = size

    def release(self, unit: UnitId, page: int) -> None:
        self._held -= self._page_bytes.pop((unit, page), 0)

    def drop(self, unit: UnitId) -> None:
        self._fetching.discard(unit)
        self._to_fetch = deque(u for u in self._to_fetch if u.id != unit)
        self._fetched = deque((u, body) for u, body in self._fetched if u.id != unit)
        for decoding in self._decoding.values():
            if decoding.unit.id == unit:
                decoding.dropped = True
                decoding.pages.clear()
        self._pages.pop(unit, None)
        for key in [key for key in self._page_bytes if key[0] == unit]:
            self.release(*key)

    def commands(self) -> Iterable[Command]:
        """What can go on now: close what is decoded, decode the next pages, open and fetch the next documents."""
        for decoder, decoding in list(self._decoding.items()):
            if not decoding.busy and not decoding.pages:
                del self._decoding[decoder]
                self._free.append(decoder)
                yield CloseDocument(decoder)
        yield from self._render_in_turn()
        while self._free and self._fetched and sum(self._pages.values()) < self._max_pages:
            decoder = self._free.popleft()
            unit, body = self._fetched.popleft()
            self._decoding[decoder] = Decoding(unit)
            yield Open(decoder, unit, body)
        while self._to_fetch and self._loading() < self._max_loading:
            unit = self._to_fetch.popleft()
            self._fetching.add(unit.id)
            yield Fetch(unit)

    def _render_in_turn(self) -> Iterable[Command]:
        """The document that holds the least goes first, and room is kept for it: a long one takes what is left."""
        idle = [(decoder, decoding) for decoder, decoding in self._decoding.items() if not decoding.busy]
        if len(idle) > 1:
            held = self._held_by_document()
            idle.sort(key=lambda pair: held[pair[1].unit.id])
        for decoder, decoding in idle:
            if not self._fits(decoding):
                return
            yield self._render(decoder, decoding)

    def _held_by_document(self) -> Counter[UnitId]:
        held: Counter[UnitId] = Counter()
        for (unit, _), size in self._page_bytes.items():
            held[unit] += size
        return held

    def _loading(self) -> int:
        return len(self._fetching) + len(self._fetched) + len(self._decoding)

    def _expected(self, decoding: Decoding) -> int:
        page = decoding.pages[0]
        return decoding.page_bytes[page - 1] if page <= len(decoding.page_bytes) else 0

    def _fits(self, decoding: Decoding) -> bool:
        return self._held == 0 or self._held + self._expected(decoding) <= self._max_page_bytes

    def _render(self, decoder: int, decoding: Decoding) -> Render:
        expected = self._expected(decoding)
        number = decoding.pages.popleft()
        decoding.busy = True
        self.hold(decoding.unit.id, number, expected)
        return Render(decoder, number)
