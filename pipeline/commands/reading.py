"""Local files through the whole flow, each result onto disk as soon as it is there."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from connectors.file_store import FileStore
from connectors.memory_store import MemoryStore
from pipeline.app import load_engines
from pipeline.commands.progress import Meter
from pipeline.commands.sentences import local_sentence
from pipeline.errors import Environment
from pipeline.local_worker import DOCUMENTS, RESULTS, LocalWorker, Outcome, SplitStore, outcomes
from pipeline.settings import Settings
from schemas.codec import decode
from schemas.events import Options
from schemas.failures import DeadLetter
from schemas.objects import ObjectRef
from schemas.results import DocumentCompleted, DocumentResult

UNFINISHED = ".pagestream-"
"""How the names of files that are still being written begin."""


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
    out: Path, files: Mapping[str, Path], *, settings: Settings, options: Options, console: Console
) -> Report:
    """Write `<out>/<key>.json` for every file that can be read. Ctrl-C ends it; what is written by then is whole.

    Raises Fatal when models or runtime are missing, Environment when `out` can't be written, both before anything is
    read; Environment later too, when a result can't be.
    """
    engines = load_engines(settings)
    require_writable(out)
    results = MemoryStore()
    results.create_bucket(RESULTS)
    store = SplitStore(FileStore(DOCUMENTS, files), results)
    report, began = Report(), time.monotonic()
    meter = Meter(console, len(files))
    try:
        with meter, LocalWorker(settings, store=store, engines=engines, watch=meter.watch) as worker:
            for key, outcome in outcomes(worker, files, options, most=settings.flow.max_documents):
                _take(report, key, outcome, results, out)
                meter.settled()
    except KeyboardInterrupt:
        report.interrupted = True
        report.unkept = max(0, meter.pages - report.pages)
    report.seconds = time.monotonic() - began
    return report


def _take(report: Report, key: str, outcome: Outcome, results: MemoryStore, out: Path) -> None:
    match outcome:
        case DeadLetter(code=code, message=message):
            report.failed += 1
            report.troubles.append(Trouble(key, None, code, local_sentence(code, message)))
            if _removed(_place(out, key)):
                report.removed.append(key)
        case DocumentCompleted(result=place):
            _, body = results.get(ObjectRef(place.bucket, place.key), max_bytes=place.size, deadline_s=1.0)
            write_whole(_place(out, key), body)
            results.remove(place.bucket, place.key)
            report.documents += 1
            report.pages += outcome.page_count - outcome.pages_by_status.skipped
            for page in decode(DocumentResult, body).pages:
                report.warnings.update(page.warnings)
                if (error := page.error) is not None:
                    sentence = local_sentence(error.code, error.message)
                    report.troubles.append(Trouble(key, page.number, error.code, sentence))


def _place(out: Path, key: str) -> Path:
    return out / f"{key}.json"


def _removed(path: Path) -> bool:
    """Whether a result of an earlier run was there. It must not pass for what this run has read."""
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unwritable(
            "An earlier result of a file that failed can't be removed; check the --out folder."
        ) from error
    return True


def require_writable(folder: Path) -> None:
    """Make the folder where it is missing. Raises Environment `out_unwritable`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=UNFINISHED):
            pass
    except OSError as error:
        raise _unwritable("The --out folder can't be written; choose another, or mend its permissions.") from error


def write_whole(path: Path, body: bytes) -> None:
    """The file is there whole, or as it was. Raises Environment `out_unwritable`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            Path(unfinished).chmod(0o644)
            Path(unfinished).replace(path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable("A result can't be written; check the --out folder, its permissions and its disk.") from error


def _unwritable(message: str) -> Environment:
    return Environment(message, code="out_unwritable", stage="store")
