"""Our side: the whole flow in one process, from files to result bytes, with topics in memory."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from connectors.file_store import FileStore
from connectors.memory_store import MemoryStore
from pipeline.app import load_engines
from pipeline.bench.busy import Busy
from pipeline.bench.side import Files, Pass, Tell
from pipeline.core.events import BatchDone, Event
from pipeline.local_worker import DOCUMENTS, RESULTS, LocalWorker, SplitStore, outcomes
from pipeline.ocr.agreement import ReadLine, ReadPage
from pipeline.settings import Settings
from schemas.codec import decode
from schemas.events import Options
from schemas.failures import DeadLetter
from schemas.objects import ObjectRef
from schemas.pages import PageResult
from schemas.results import DocumentCompleted, DocumentResult

STEPS = ("fetch", "decode", "store")
"""Besides the engines' stages: what a completion says of its own document."""

Ended = tuple[str, DocumentCompleted | DeadLetter, bytes]
"""Key, outcome, and the result's bytes (none for a dead letter)."""


@dataclass(frozen=True, slots=True)
class OurKind:
    """`settings` as `local_settings` makes them."""

    settings: Settings

    def load(self) -> OurSide:
        return OurSide(self.settings)


class OurSide:
    """A local worker that stays up between passes."""

    def __init__(self, settings: Settings) -> None:
        self._files: dict[str, Path] = {}
        self._results = MemoryStore()
        self._results.create_bucket(RESULTS)
        self._busy = Busy()
        self._tell: Tell = lambda count: None
        self._lanes = settings.engine.lanes
        self._most = settings.flow.max_documents
        self._stack = ExitStack()
        self._worker = self._stack.enter_context(
            LocalWorker(
                settings,
                store=SplitStore(FileStore(DOCUMENTS, self._files), self._results),
                engines=load_engines(settings),
                watch=self._watch,
            )
        )

    def run(self, files: Files, tell: Tell) -> Pass:
        self._busy = Busy()
        began = time.perf_counter()
        ended = list(self.read(files.items(), tell))
        return self._told(time.perf_counter() - began, ended)

    def read(self, files: Iterable[tuple[str, Path]], tell: Tell) -> Iterator[Ended]:
        """Each document as it ends; nothing of it stays behind. A file is taken when there is room in flight."""
        self._tell = tell
        for key, outcome in outcomes(self._worker, self._offered(files), Options(), most=self._most):
            del self._files[key]
            if isinstance(outcome, DeadLetter):
                yield key, outcome, b""
                continue
            place = outcome.result
            _, body = self._results.get(ObjectRef(place.bucket, place.key), max_bytes=place.size, deadline_s=1.0)
            self._results.remove(place.bucket, place.key)
            yield key, outcome, body

    def close(self) -> None:
        self._stack.close()

    def _offered(self, files: Iterable[tuple[str, Path]]) -> Iterator[str]:
        for key, path in files:
            self._files[key] = path
            yield key

    def _watch(self, event: Event) -> None:
        """On the loop's thread. Only times are kept of a batch: its crops would keep their pages in memory."""
        if isinstance(event, BatchDone):
            if event.stage == "detect":
                self._tell(len(event.results))
            self._busy.add(event)

    def _told(self, seconds: float, ended: list[Ended]) -> Pass:
        steps: Counter[str] = Counter()
        for _, outcome, _ in ended:
            if isinstance(outcome, DocumentCompleted):
                steps.update({step: getattr(outcome.timings, f"{step}_s") or 0.0 for step in STEPS})
        readings = {key: read_pages(decode(DocumentResult, body)) for key, _, body in ended if body}
        return Pass(
            seconds=seconds,
            pages=sum(len(pages) for pages in readings.values()),
            lines=sum(len(page.lines) for pages in readings.values() for page in pages),
            stages={**steps, **self._busy.seconds, "idle": self._busy.idle(self._lanes)},
            busy_share=self._busy.share(self._lanes),
            failed={key: outcome.code for key, outcome, _ in ended if isinstance(outcome, DeadLetter)},
            readings=readings,
        )


def read_pages(result: DocumentResult) -> tuple[ReadPage, ...]:
    """The pages that were read; those that failed or were skipped count for nothing."""
    return tuple(_read_page(page) for page in result.pages if page.status in ("ok", "empty"))


def _read_page(page: PageResult) -> ReadPage:
    """The lines of its text: those that are marked as junk say themselves that they are none."""
    lines = tuple(
        ReadLine(line.text, np.array(line.polygon, np.float32), line.confidence)
        for line in page.lines or ()
        if not line.junk
    )
    return ReadPage(page.width or 0, page.height or 0, lines)
