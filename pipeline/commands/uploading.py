"""Files into the store: all of them looked at before the first is sent, and none lost sight of after."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import typer
from rich.progress import Progress

from pipeline.commands.exits import complain
from pipeline.commands.files import Found
from pipeline.commands.terminal import shown
from pipeline.errors import Environment, Fatal, PagestreamError, Rejected
from schemas.events import safe_key
from schemas.objects import ObjectInfo

NAMED = 5
"""How many of the names that are wrong a complaint shows."""


class Puts(Protocol):
    def put(self, bucket: str, key: str, body: bytes, *, content_type: str, deadline_s: float) -> ObjectInfo: ...


@dataclass(slots=True)
class Uploads:
    """What lies in the store now, and what does not. `ended`: why the rest was not tried, the last of `failed`."""

    done: list[ObjectInfo] = field(default_factory=list)
    failed: list[tuple[Path, PagestreamError]] = field(default_factory=list)
    untried: int = 0
    ended: PagestreamError | None = None
    interrupted: bool = False


def keyed(found: Found, prefix: str, *, max_bytes: int) -> dict[str, Path]:
    """Key -> file: the prefix, taken as it is, and the file's name. Raises BadParameter for what can't be uploaded."""
    paths = [path for _, path in found.files]
    refuse("folders that can't be opened", (left.path for left in found.left if left.why == "closed"))
    refuse("files whose name can't be an object's", (path for name, path in found.files if not is_key(prefix + name)))
    refuse("no plain files, or gone", (path for path in paths if not _is_plain(path)))
    refuse(f"files above {max_bytes:,} bytes", (path for path in paths if path.stat().st_size > max_bytes))
    files: dict[str, Path] = {}
    for name, path in found.files:
        if (other := files.setdefault(prefix + name, path)) is not path:
            refuse("files for one key; upload them apart, with a --prefix each", (other, path))
    if not files:
        raise typer.BadParameter("no file in there", param_hint="FILES")
    return files


def upload(store: Puts, bucket: str, files: Mapping[str, Path], *, deadline_s: float) -> Uploads:
    """One that fails does not stop the others, unless it is a failure that they share."""
    uploads = Uploads(untried=len(files))
    with Progress(console=complain, transient=True, disable=not complain.is_terminal) as progress:
        try:
            for key, path in progress.track(list(files.items()), description="upload"):
                _one(uploads, store, bucket, key, path, deadline_s)
                uploads.untried -= 1
                if uploads.ended is not None:
                    break
        except KeyboardInterrupt:
            uploads.interrupted = True
    return uploads


def is_key(name: str) -> bool:
    try:
        return bool(safe_key(name))
    except ValueError:
        return False


def refuse(what: str, names: Iterable[str | Path]) -> None:
    """Raises BadParameter where there are such names."""
    wrong = [shown(name) for name in names]
    if wrong:
        more = f" and {len(wrong) - NAMED:,} more" if len(wrong) > NAMED else ""
        raise typer.BadParameter(f"{what}: {', '.join(wrong[:NAMED])}{more}. Nothing was uploaded or sent.")


def _is_plain(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder that may be listed and not entered
        return False


def _one(uploads: Uploads, store: Puts, bucket: str, key: str, path: Path, deadline_s: float) -> None:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    try:
        uploads.done.append(store.put(bucket, key, _read(path), content_type=kind, deadline_s=deadline_s))
    except PagestreamError as error:
        uploads.failed.append((path, error))
        if isinstance(error, Environment | Fatal):
            uploads.ended = error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Rejected("The file can't be read.", code="file_unreadable", stage="submit") from error
