"""Is this worker ready? Told in the log, and by a file that is there while it is: for whoever looks from outside."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

from pipeline.errors import Fatal

log = logging.getLogger(__name__)


class Readiness:
    """Not ready to begin with: a file that a killed process left is removed. Raises Fatal `ready_file_unwritable`."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._ready = False
        if file is None:
            return
        try:
            file.unlink(missing_ok=True)
            with tempfile.TemporaryFile(dir=file.parent):
                pass
        except OSError as error:
            raise Fatal(
                "The ready file can't be written; correct telemetry.ready_file, or its folder's permissions.",
                code="ready_file_unwritable",
                stage="settings",
            ) from error

    def ready(self, what: str) -> None:
        if self._ready:
            return
        self._ready = True
        if self._file is not None:
            try:
                _write_whole(self._file, f"{os.getpid()}\n")
            except OSError as error:
                log.error("the ready file could not be written: %s", type(error).__name__)
        log.info("ready: %s", what)

    def unready(self, why: str) -> None:
        if not self._ready:
            return
        self._ready = False
        if self._file is not None:
            try:
                self._file.unlink(missing_ok=True)
            except OSError as error:
                log.error("the ready file could not be removed: %s", type(error).__name__)
        log.info("unready: %s", why)


def _write_whole(file: Path, text: str) -> None:
    """Whoever looks finds no file or all of it."""
    handle, unfinished = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(text)
        Path(unfinished).chmod(0o644)
        Path(unfinished).replace(file)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
