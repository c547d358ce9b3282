"""Where the workers' answers wait for the loop. Bounded: one for each command outstanding, two a lane of itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from traceback import extract_tb

from pipeline.core.events import Event
from pipeline.errors import PagestreamError, Retryable

log = logging.getLogger(__name__)

UNFORESEEN = "Something unforeseen went wrong; the log names the place. Report it."


class Inbox:
    def __init__(self) -> None:
        self._events: SimpleQueue[Event] = SimpleQueue()

    def put(self, event: Event) -> None:
        self._events.put(event)

    def take(self, timeout_s: float) -> list[Event]:
        """Everything that is there; waits up to `timeout_s` for the first."""
        try:
            events = [self._events.get(timeout=timeout_s)] if timeout_s > 0 else [self._events.get_nowait()]
        except Empty:
            return []
        while True:
            try:
                events.append(self._events.get_nowait())
            except Empty:
                return events


def foreseen(error: Exception, stage: str) -> PagestreamError:
    """The error as one of the tree. One outside it is logged by type and place; its message may quote the document."""
    if isinstance(error, PagestreamError):
        return error
    frames = extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "unknown"
    log.error("unforeseen %s at %s in %s", type(error).__name__, place, stage)
    return Retryable(UNFORESEEN, code="internal_error", stage=stage)


def answer(inbox: Inbox, work: Callable[[], Event], failed: Callable[[PagestreamError], Event], stage: str) -> Event:
    """Do the work and put its event, or the one that says why not. Returns what was put."""
    try:
        event = work()
    except Exception as error:  # the boundary: whatever a document does ends here
        event = failed(foreseen(error, stage))
    inbox.put(event)
    return event
