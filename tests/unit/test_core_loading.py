"""Laws of loading: who is fetched, opened, decoded, and how much is held."""

from __future__ import annotations

from pipeline.core.events import CloseDocument, Command, Fetch, Open, Render, Unit, UnitId
from pipeline.core.loading import Loading
from schemas.failures import Origin
from schemas.record import Partition, Record

PARTITION = Partition("documents", 0)


def unit(number: int) -> Unit:
    record = Record(PARTITION, number, None, b"")
    return Unit(UnitId(PARTITION, number, 0, 1), record, Origin("documents", 0, number), 1, None)


def loading_of(*, decoders: int = 1, max_loading: int = 2, max_page_bytes: int = 100) -> Loading:
    return Loading(decoders=decoders, max_loading=max_loading, max_page_bytes=max_page_bytes)


def told(loading: Loading) -> list[Command]:
    return list(loading.commands())


def opened(*pages: int) -> Loading:
    """One document in the only decoder, its pages known, the first asked for if it fits."""
    loading = loading_of()
    loading.want(unit(0))
    told(loading)
    loading.fetched(unit(0), "body")
    told(loading)
    assert loading.answered(0) == unit(0).id
    loading.opened(0, pages, range(1, len(pages) + 1))
    return loading


def test_documents_fetched_and_opened_are_bounded() -> None:
    """Fetching, fetched and open documents together never pass the limit; the next follows when one is closed."""
    loading = loading_of()
    for number in range(4):
        loading.want(unit(number))
    assert told(loading) == [Fetch(unit(0)), Fetch(unit(1))]
    loading.fetched(unit(0), "zero")
    loading.fetched(unit(1), "one")
    assert told(loading) == [Open(0, unit(0), "zero")]
    loading.answered(0)
    assert told(loading) == [CloseDocument(0), Open(0, unit(1), "one"), Fetch(unit(2))]


def test_a_failed_fetch_makes_room() -> None:
    """A document that did not arrive is loading no more."""
    loading = loading_of(max_loading=1)
    loading.want(unit(0))
    loading.want(unit(1))
    told(loading)
    loading.fetch_failed(unit(0).id)
    assert told(loading) == [Fetch(unit(1))]


def test_pages_are_decoded_in_turn_and_the_document_closed_after_the_last() -> None:
    """A decoder has one page at a time, in order, and is free after the last."""
    loading = opened(10, 20)
    assert told(loading) == [Render(0, 1)]
    assert told(loading) == []
    loading.answered(0)
    assert told(loading) == [Render(0, 2)]
    loading.answered(0)
    assert told(loading) == [CloseDocument(0)]


def test_a_page_waits_until_it_fits() -> None:
    """Decoded pages are held to a limit by what they are expected to take, then by what they take."""
    loading = opened(60, 50)
    assert told(loading) == [Render(0, 1)]
    loading.answered(0)
    loading.hold(unit(0).id, 1, 51)
    assert told(loading) == []
    loading.hold(unit(0).id, 1, 50)
    assert told(loading) == [Render(0, 2)]


def test_one_page_is_always_allowed() -> None:
    """A page larger than the limit is decoded once nothing else is held."""
    loading = opened(1, 500)
    told(loading)
    loading.answered(0)
    assert told(loading) == []
    loading.release(unit(0).id, 1)
    assert told(loading) == [Render(0, 2)]


def test_a_dropped_document_gives_everything_back() -> None:
    """Its pages are released at once; its decoder is free as soon as it answers, and the answer is nobody's."""
    loading = opened(60, 10)
    told(loading)
    loading.drop(unit(0).id)
    loading.want(unit(1))
    loading.want(unit(2))
    assert told(loading) == [Fetch(unit(1))]
    assert loading.answered(0) is None
    assert told(loading) == [CloseDocument(0), Fetch(unit(2))]


def test_what_is_dropped_before_it_is_opened_is_never_opened() -> None:
    """Documents dropped in line, under way or fetched leave no trace."""
    loading = loading_of(decoders=1, max_loading=3)
    for number in range(4):
        loading.want(unit(number))
    told(loading)
    loading.fetched(unit(1), "body")
    for number in (0, 1, 3):
        loading.drop(unit(number).id)
    assert told(loading) == []
    loading.fetched(unit(2), "body")
    assert told(loading) == [Open(0, unit(2), "body")]


def test_pages_of_open_documents_are_bounded() -> None:
    """The text of a long document is held until it is settled: no other is opened before, however many decoders."""
    loading = Loading(decoders=2, max_loading=4, max_page_bytes=100, max_pages=3)
    for number in range(2):
        loading.want(unit(number))
    told(loading)
    loading.fetched(unit(0), "zero")
    told(loading)
    loading.answered(0)
    loading.opened(0, (1, 1, 1), ())
    loading.fetched(unit(1), "one")
    assert told(loading) == [CloseDocument(0)]
    loading.drop(unit(0).id)
    assert [command for command in told(loading) if isinstance(command, Open)] == [Open(1, unit(1), "one")]


def test_a_long_document_does_not_keep_others_from_being_decoded() -> None:
    """Room that comes free is for the document that holds the least; until its page fits, nobody else takes it."""
    loading = loading_of(decoders=2, max_loading=2, max_page_bytes=100)
    for number in (0, 1):
        loading.want(unit(number))
    told(loading)
    for number in (0, 1):
        loading.fetched(unit(number), "body")
    told(loading)
    assert loading.answered(0) == unit(0).id
    loading.opened(0, (40,) * 10, range(1, 11))
    for page in (1, 2):
        assert told(loading) == [Render(0, page)]
        loading.answered(0)
    assert loading.answered(1) == unit(1).id
    loading.opened(1, (50,), [1])
    assert told(loading) == []
    loading.release(unit(0).id, 1)
    assert told(loading) == [Render(1, 1)]
    loading.answered(1)
    loading.release(unit(1).id, 1)
    assert told(loading)[-1] == Render(0, 3)
