"""Documents into pages: one thread and one child process a decoder."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL
from typing import cast

from pipeline.clock import Clock
from pipeline.core.events import Event, Opened, OpenFailed, Part, Rendered, RenderFailed, Unit
from pipeline.decode.decoder import Decoder
from pipeline.decode.limits import DecodeLimits
from pipeline.errors import PagestreamError, Rejected
from pipeline.ocr.ticks import without_boxes
from pipeline.stages.parts import Page, Sheet
from pipeline.telemetry.journey import Journeys
from pipeline.workers.inbox import Inbox, answer

SECRET_BYTES = 1_024


class Decoders:
    """`page_part` makes a decoded page the detector's work; it is called on the decoders' threads. `tables`: whether
    they are read where the event does not say."""

    def __init__(
        self,
        count: int,
        limits: DecodeLimits,
        *,
        dpi: int,
        tables: bool,
        secrets: Path | None,
        page_part: Callable[[Page], Part],
        inbox: Inbox,
        journeys: Journeys,
        clock: Clock,
    ) -> None:
        self._threads = [ThreadPoolExecutor(1, thread_name_prefix=f"decode-{number}") for number in range(count)]
        self._decoders = [Decoder(limits) for _ in range(count)]
        self._units: list[Unit | None] = [None] * count
        self._dpi = dpi
        self._tables = tables
        self._secrets = secrets
        self._page_part = page_part
        self._inbox = inbox
        self._journeys = journeys
        self._clock = clock

    def open(self, decoder: int, unit: Unit, body: object) -> None:
        self._submit(
            decoder, lambda: self._open(decoder, unit, cast(bytes, body)), lambda error: OpenFailed(decoder, error)
        )

    def render(self, decoder: int, number: int) -> None:
        self._submit(decoder, lambda: self._render(decoder, number), lambda error: RenderFailed(decoder, number, error))

    def close_document(self, decoder: int) -> None:
        self._threads[decoder].submit(self._decoders[decoder].close_document)

    def close(self, timeout_s: float) -> None:
        """End the children. One that is at a page for longer than this is killed."""
        closed = [thread.submit(decoder.close) for thread, decoder in zip(self._threads, self._decoders, strict=True)]
        wait(closed, timeout_s)
        for thread, decoder, future in zip(self._threads, self._decoders, closed, strict=True):
            if not future.done() and (pid := decoder.child_pid) is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, SIGKILL)
            thread.shutdown(wait=True)

    def _submit(self, decoder: int, work: Callable[[], Event], failed: Callable[[PagestreamError], Event]) -> None:
        self._threads[decoder].submit(answer, self._inbox, work, failed, "decode")

    def _open(self, decoder: int, unit: Unit, body: bytes) -> Event:
        self._units[decoder] = unit
        event = unit.event
        assert event is not None
        started = self._clock()
        secret = password(event.options.password_secret, self._secrets)
        try:
            opened = self._decoders[decoder].open(body, dpi=event.options.dpi or self._dpi, password=secret)
        finally:
            self._journeys.worked(unit.id, "decode", started, self._clock())
        return Opened(decoder, tuple(size.width * size.height * 3 if size else 0 for size in opened.sizes))

    def _render(self, decoder: int, number: int) -> Event:
        unit = self._units[decoder]
        assert unit is not None
        started = self._clock()
        try:
            page = self._decoders[decoder].render(number)
        finally:
            self._journeys.worked(unit.id, "decode", started, self._clock())
        height, width = page.image.shape[:2]
        dpi = round(page.dpi) if page.dpi else None
        sheet = Sheet(number, width, height, dpi, page.warnings, page.check_boxes)
        image = without_boxes(page.image, [one.box for one in page.check_boxes])
        part = self._page_part(Page(image, self._wants_tables(unit)))
        return Rendered(decoder, number, part, sheet, page.image.nbytes)

    def _wants_tables(self, unit: Unit) -> bool:
        asked = unit.event.options.tables if unit.event is not None else None
        return self._tables if asked is None else asked


def password(secret: str | None, secrets: Path | None) -> str | None:
    """What the file of that name holds, in the folder of mounted secrets. Raises Rejected where there is none."""
    if secret is None:
        return None
    if secrets is None or not (path := secrets / secret).is_file():
        raise Rejected(
            "The password secret the event names is not mounted; mount it in decode.secrets_directory.",
            code="password_secret_missing",
            stage="decode",
        )
    with path.open("rb") as file:
        return file.read(SECRET_BYTES).decode(errors="replace").strip("\r\n")
