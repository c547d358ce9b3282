"""Documents in, pages out, whatever the document does to the process that decodes it.

A death of the child, by the way it died:
    SIGXCPU                 the request computed too long        -> Rejected `decode_timeout`
    SIGKILL and the like    something outside ended it           -> Retryable `decoder_died`
    no answer in time       the machine, or a decoder that waits -> Retryable `decoder_stalled`
    anything else           a crash: asked once more in a fresh child, in case an earlier document is to blame;
                            a second crash                       -> Rejected `decoder_killed`
After it the document is opened again in a fresh child, so a page that kills costs itself alone.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Self

from pipeline.decode.limits import DecodeLimits
from pipeline.decode.process import Child, ChildDied, ChildStalled, Pixels
from pipeline.decode.protocol import CheckBox, Close, Failed, Open, Opened, PageHeader, Render, Reply
from pipeline.decode.refusals import refusal
from pipeline.errors import Environment, Fatal, Retryable

KILLED_FROM_OUTSIDE = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP}


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """`image`: (height, width, 3) uint8, BGR, contiguous, the page as a viewer shows it, owned by the receiver.

    `dpi` is None where the file names no believable one. `warnings` are codes, see protocol.WARNINGS. `check_boxes` are
    those of a PDF's form.
    """

    number: int
    image: Pixels
    dpi: float | None
    warnings: tuple[str, ...] = ()
    check_boxes: tuple[CheckBox, ...] = ()


class Decoder:
    """One child process, one document at a time; used by one thread, which must outlive the child it started.

    Every method answers within the deadlines of `limits`, twice over at worst (a crash is tried again). Starting the
    child can raise Environment `decoder_not_started`, or Fatal `decoder_unavailable` when it can't work here at all.
    """

    def __init__(self, limits: DecodeLimits | None = None) -> None:
        self._limits = limits or DecodeLimits()
        self._child: Child | None = None
        self._documents_served = 0
        self._document: Open | None = None
        self._child_has_document = False

    @property
    def child_pid(self) -> int | None:
        """The child as it stands, for a report; it may be another one after the next call."""
        return self._child.pid if self._child else None

    def confinement(self) -> tuple[str, ...]:
        """What the child has given up on this machine (names in confine.py); starts one if there is none."""
        return self._living_child().confinement

    def open(self, document: bytes, *, dpi: int = 200, password: str | None = None) -> Opened:
        """Closes the document before it. Raises Rejected or Retryable; then no document is open."""
        self.close_document()
        self._document = Open(document, dpi, password)
        try:
            reply, _ = self._answer(None)
        except BaseException:
            self.close_document()
            raise
        assert isinstance(reply, Opened)
        return reply

    def render(self, number: int) -> Page:
        """A page of the open document, counted from 1. Raises Rejected or Retryable; other pages can still be asked."""
        if self._document is None:
            raise RuntimeError("no document is open")
        reply, pixels = self._answer(Render(number))
        assert isinstance(reply, PageHeader)
        assert pixels is not None
        if self._child is not None and self._child.resident_bytes() > self._limits.recycle_open_bytes:
            self._drop_child()
        return Page(number, pixels, reply.dpi, reply.warnings, reply.check_boxes)

    def close_document(self) -> None:
        """Forgets the document; replaces a child that is due."""
        if self._document is None:
            return
        self._document, self._child_has_document = None, False
        self._documents_served += 1
        if self._child is None:
            return
        try:
            self._child.ask(Close(), seconds=self._limits.open_seconds)
        except (ChildDied, ChildStalled):
            self._drop_child()
            return
        if (
            self._documents_served >= self._limits.recycle_documents
            or self._child.resident_bytes() > self._limits.recycle_bytes
        ):
            self._drop_child()

    def close(self) -> None:
        """Ends the child. The decoder can be used again."""
        self._document, self._child_has_document = None, False
        self._drop_child()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, request: Render | None) -> tuple[Reply, Pixels | None]:
        """To `request`, or to opening the document where there is none."""
        try:
            return self._try(request)
        except ChildDied:
            return self._try_again(request)

    def _try_again(self, request: Render | None) -> tuple[Reply, Pixels | None]:
        try:
            return self._try(request)
        except ChildDied as death:
            raise refusal("decoder_killed") from death

    def _try(self, request: Render | None) -> tuple[Reply, Pixels | None]:
        """Raises ChildDied for a crash only; other deaths are already what they mean for the document."""
        child = self._living_child()
        try:
            if request is None or not self._child_has_document:
                opened = self._open_in(child)
                if request is None:
                    return opened, None
            return _checked(*child.ask(request, seconds=self._limits.page_seconds))
        except ChildStalled as error:
            self._drop_child()
            raise Retryable(
                "The decoder gave no answer before its deadline; give it more processor time.",
                code="decoder_stalled",
                stage="decode",
            ) from error
        except ChildDied as death:
            self._drop_child()
            if death.status == -signal.SIGXCPU:
                raise refusal("decode_timeout") from death
            if death.status in KILLED_FROM_OUTSIDE:
                raise Retryable(
                    "The decoder was killed from outside; look for the kernel's out-of-memory killer.",
                    code="decoder_died",
                    stage="decode",
                ) from death
            raise

    def _open_in(self, child: Child) -> Reply:
        assert self._document is not None
        reply, _ = _checked(*child.ask(self._document, seconds=self._limits.open_seconds))
        self._child_has_document = True
        return reply

    def _living_child(self) -> Child:
        """One that died while nothing was asked of it is replaced without a word."""
        if self._child is not None and not self._child.alive:
            self._drop_child()
        return self._child or self._start()

    def _start(self) -> Child:
        try:
            self._child = Child(self._limits)
        except ChildDied as death:
            if death.status is not None and death.status < 0:
                raise _not_started() from death
            raise Fatal(
                "The decoder can't run here; start `python -m pipeline.decode.child '{}' 0` to see why.",
                code="decoder_unavailable",
                stage="decode",
            ) from death
        except (ChildStalled, OSError) as error:
            raise _not_started() from error
        self._documents_served = 0
        return self._child

    def _drop_child(self) -> None:
        child, self._child = self._child, None
        self._child_has_document = False
        if child is not None:
            child.kill()


def _checked(reply: Reply, pixels: Pixels | None) -> tuple[Reply, Pixels | None]:
    if isinstance(reply, Failed):
        raise refusal(reply.code)
    return reply, pixels


def _not_started() -> Environment:
    return Environment(
        "The decoder process could not be started; free memory or processes on this machine.",
        code="decoder_not_started",
        stage="decode",
    )
