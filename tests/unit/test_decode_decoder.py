"""What each way to die means for the document, told with children that die to order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from pipeline.decode import decoder as module
from pipeline.decode.decoder import Decoder
from pipeline.decode.formats import Format
from pipeline.decode.limits import DecodeLimits
from pipeline.decode.process import ChildDied, ChildStalled
from pipeline.decode.protocol import Close, Closed, Failed, Open, Opened, PageHeader, PageSize, Render, Reply, Request
from pipeline.errors import Environment, Fatal, PagestreamError, Rejected, Retryable

OPENED = Opened(Format.PNG, (PageSize(2, 1),) * 3)
Answer = Exception | Reply | None


class ScriptedChild:
    """Answers `render` from a script, shared by all children; None is a good page. Each page adds `grows` bytes."""

    grows = 0

    def __init__(self, script: list[Answer]) -> None:
        self.script = script
        self.asked: list[Request] = []
        self.alive = True
        self.pid = id(self)

    def ask(self, request: Request, *, seconds: float) -> tuple[Reply, Any]:
        self.asked.append(request)
        match request:
            case Open():
                return OPENED, None
            case Close():
                return Closed(), None
            case Render(number):
                answer = self.script.pop(0) if self.script else None
                if isinstance(answer, Exception):
                    raise answer
                if answer is not None:
                    return answer, None
                return PageHeader(number, 2, 1, 200.0, ()), np.zeros((1, 2, 3), np.uint8)

    def resident_bytes(self) -> int:
        return self.grows * len(self.asked)

    def kill(self) -> None:
        self.alive = False


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[Answer]], list[ScriptedChild]]:
    """Makes `Decoder` start scripted children, and tells which it has started."""

    def install(script: Sequence[Answer]) -> list[ScriptedChild]:
        started: list[ScriptedChild] = []
        left = list(script)

        def start(limits: DecodeLimits) -> ScriptedChild:
            started.append(ScriptedChild(left))
            return started[-1]

        monkeypatch.setattr(module, "Child", start)
        return started

    return install


@pytest.mark.parametrize(
    ("deaths", "kind", "code"),
    [
        ([ChildDied(-signal.SIGXCPU)], Rejected, "decode_timeout"),
        ([ChildDied(-signal.SIGKILL)], Retryable, "decoder_died"),
        ([ChildDied(-signal.SIGTERM)], Retryable, "decoder_died"),
        ([ChildStalled()], Retryable, "decoder_stalled"),
        ([ChildDied(-signal.SIGSEGV)] * 2, Rejected, "decoder_killed"),
        ([ChildDied(1)] * 2, Rejected, "decoder_killed"),
        ([ChildDied(None)] * 2, Rejected, "decoder_killed"),
        ([ChildDied(-signal.SIGABRT), ChildDied(-signal.SIGXCPU)], Rejected, "decode_timeout"),
        ([ChildDied(-signal.SIGABRT), ChildDied(-signal.SIGKILL)], Retryable, "decoder_died"),
        ([Failed("corrupt_image")], Rejected, "corrupt_image"),
    ],
)
def test_what_a_death_means(children: Any, deaths: list[Answer], kind: type[PagestreamError], code: str) -> None:
    """Each death has its error; and the document's next page is served after it."""
    children(deaths)
    decoder = Decoder()
    decoder.open(b"x")
    with pytest.raises(kind) as caught:
        decoder.render(2)
    assert caught.value.code == code
    assert caught.value.stage == "decode"
    assert decoder.render(3).number == 3


def test_one_crash_is_forgiven(children: Any) -> None:
    """A page is asked again in a fresh child, which is given the document first: the crash may be another's fault."""
    started = children([None, ChildDied(-signal.SIGSEGV)])
    decoder = Decoder()
    decoder.open(b"x", password="p")
    decoder.render(1)
    assert decoder.render(2).number == 2
    first, second = started
    assert not first.alive
    assert second.asked == [Open(b"x", 200, "p"), Render(2)]


def test_a_refusal_keeps_the_child(children: Any) -> None:
    """A page refused in good order costs no process."""
    started = children([Failed("page_too_large")])
    decoder = Decoder()
    decoder.open(b"x")
    with pytest.raises(Rejected):
        decoder.render(1)
    decoder.render(2)
    assert len(started) == 1


def test_a_child_that_died_idle_is_replaced(children: Any) -> None:
    """A death while nothing was asked is nobody's document's fault."""
    started = children([])
    decoder = Decoder()
    decoder.open(b"x")
    started[0].alive = False
    assert decoder.render(1).number == 1
    assert len(started) == 2


def test_children_are_recycled_between_documents(children: Any) -> None:
    """After so many documents a fresh child is started, never in the middle of one."""
    started = children([])
    decoder = Decoder(DecodeLimits(recycle_documents=2))
    for _ in range(5):
        decoder.open(b"x")
        decoder.render(1)
    assert len(started) == 3


def test_a_child_that_grows_is_replaced_between_two_pages(children: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long document goes on in a fresh child, which is given it first, and no page is asked for twice."""
    monkeypatch.setattr(ScriptedChild, "grows", 100)
    started = children([])
    decoder = Decoder(DecodeLimits(memory_bytes=600))
    decoder.open(b"x")
    assert [decoder.render(number).number for number in range(1, 7)] == [1, 2, 3, 4, 5, 6]
    asked = [[request.number for request in child.asked if isinstance(request, Render)] for child in started]
    assert [number for pages in asked for number in pages] == [1, 2, 3, 4, 5, 6]
    assert len(started) == 2
    assert all(isinstance(child.asked[0], Open) for child in started)


def test_no_document_no_page(children: Any) -> None:
    """Asking for a page of nothing is a mistake of the caller, not of a document."""
    children([])
    with pytest.raises(RuntimeError, match="no document"):
        Decoder().render(1)


@pytest.mark.parametrize(
    ("failure", "kind", "code"),
    [
        (ChildDied(1), Fatal, "decoder_unavailable"),
        (ChildDied(-signal.SIGKILL), Environment, "decoder_not_started"),
        (ChildStalled(), Environment, "decoder_not_started"),
        (OSError(), Environment, "decoder_not_started"),
    ],
)
def test_a_child_that_never_starts_is_not_the_documents_fault(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, kind: type[PagestreamError], code: str
) -> None:
    """A decoder that can't run stops the service; one the machine has no room for is waited for."""

    def start(limits: DecodeLimits) -> None:
        raise failure

    monkeypatch.setattr(module, "Child", start)
    with pytest.raises(kind) as caught:
        Decoder().open(b"x")
    assert caught.value.code == code
