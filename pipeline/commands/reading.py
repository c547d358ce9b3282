"""Local files through the whole flow, each result onto disk as soon as it is there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from connectors.file_store import FileStore
from connectors.memory_store import MemoryStore
from pipeline.app import load_engines
from pipeline.commands.output import forget, removed, require_writable, write_whole
from pipeline.commands.progress import Meter
from pipeline.commands.sentences import local_sentence
from pipeline.local_worker import DOCUMENTS, RESULTS, LocalWorker, Outcome, SplitStore, outcomes
from pipeline.settings import Settings
from schemas.codec import decode
from schemas.events import Options
from schemas.failures import DeadLetter
from schemas.objects import ObjectRef
from schemas.pages import PageError
from schemas.results import DocumentCompleted, DocumentResult

if TYPE_CHECKING:
    from pipeline.commands.views import Views


@dataclass(frozen=True, slots=True)
class Trouble:
    """A document that could not be read, or not all of it. `page` is None when it is the whole document."""

    key: str
    page: int | None
    code: str
    message: str


@dataclass(slots=True)
class Report:
    """What became of all that was asked for. `failed` counts documents without a result, `pages` those in results.

    `unkept`: pages begun, of documents that an interrupt cut off. `removed`: keys that had a result of an
    earlier run, and failed in this one. `warnings`: how many pages have each.
    """

    documents: int = 0
    failed: int = 0
    pages: int = 0
    unkept: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    troubles: list[Trouble] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    warnings: Counter[str] = field(default_factory=Counter)


def read_into(
    out: Path, files: Mapping[str, Path], *, settings: Settings, options: Options, console: Console, html: bool = False
) -> Report:
    """Write `<out>/<key>.json` for every file that can be read, and with `html` `<out>/<key>.html`. Ctrl-C ends it;
    what is written by then is whole.

    Raises Fatal when models or runtime are missing, Environment when `out` can't be written, both before anything is
    read; Environment later too, when a result can't be.
    """
    engines = load_engines(settings)
    require_writable(out)
    documents, results = FileStore(DOCUMENTS, files), MemoryStore()
    results.create_bucket(RESULTS)
    store = SplitStore(documents, results)
    report, began = Report(), time.monotonic()
    meter = Meter(console, len(files))
    try:
        with (
            meter,
            _views(documents, settings, wanted=html) as views,
            LocalWorker(settings, store=store, engines=engines, watch=meter.watch) as worker,
        ):
            for key, outcome in outcomes(worker, files, options, most=settings.flow.max_documents):
                result = _take(report, key, outcome, results, out)
                if views is not None and result is not None:
                    _show(report, key, views.write(_place(out, key, "html"), result, title=files[key].name))
                meter.settled()
    except KeyboardInterrupt:
        report.interrupted = True
        report.unkept = max(0, meter.pages - report.pages)
    report.seconds = time.monotonic() - began
    return report


def _views(documents: FileStore, settings: Settings, *, wanted: bool) -> AbstractContextManager[Views | None]:
    if not wanted:
        return nullcontext()
    from pipeline.commands.views import Views  # loads its template, which nobody else needs

    return Views(documents, settings)


def _take(report: Report, key: str, outcome: Outcome, results: MemoryStore, out: Path) -> DocumentResult | None:
    forget(_place(out, key, "html"))  # whatever becomes of it, that is of an earlier run
    match outcome:
        case DeadLetter(code=code, message=message):
            report.failed += 1
            report.troubles.append(Trouble(key, None, code, local_sentence(code, message)))
            if removed(_place(out, key, "json")):
                report.removed.append(key)
            return None
        case DocumentCompleted(result=place):
            _, body = results.get(ObjectRef(place.bucket, place.key), max_bytes=place.size, deadline_s=1.0)
            write_whole(_place(out, key, "json"), body)
            results.remove(place.bucket, place.key)
            result = decode(DocumentResult, body)
            report.documents += 1
            report.pages += outcome.page_count - outcome.pages_by_status.skipped
            for page in result.pages:
                report.warnings.update(page.warnings)
                if (error := page.error) is not None:
                    sentence = local_sentence(error.code, error.message)
                    report.troubles.append(Trouble(key, page.number, error.code, sentence))
            return result


def _show(report: Report, key: str, missing: Mapping[int, PageError]) -> None:
    for number, error in missing.items():
        message = f"It was read, and can't be shown. {error.message}"
        report.troubles.append(Trouble(key, number, error.code, message))


def _place(out: Path, key: str, ending: str) -> Path:
    return out / f"{key}.{ending}"
