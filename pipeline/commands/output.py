"""Files that are written for somebody: whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import Environment

UNFINISHED = ".pagestream-"
"""How the names of files that are still being written begin."""

MARK = b'<meta name="generator" content="pagestream">'
MARKED_BYTES = 512
"""Our pages for a browser have the mark within so many."""


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
    write_pieces(path, (body,))


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """As `write_whole`. What making a piece raises is raised, an OSError as if writing had; then the file is as it
    was."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(pieces)
            Path(unfinished).chmod(0o644)
            Path(unfinished).replace(path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable("A result can't be written; check the --out folder, its permissions and its disk.") from error


def removed(path: Path) -> bool:
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


def forget(path: Path) -> None:
    """Remove a page of an earlier run; what somebody else has put there stays. Raises Environment `out_unwritable`."""
    try:
        with path.open("rb") as file:
            ours = MARK in file.read(MARKED_BYTES)
    except OSError:
        return
    if ours:
        removed(path)


def _unwritable(message: str) -> Environment:
    return Environment(message, code="out_unwritable", stage="store")
