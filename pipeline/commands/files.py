"""Which files are meant by what was typed, and under which key each is known."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Literal

from schemas.events import safe_key

LONGEST_NAME = 255 - len(".json")
"""Bytes of one path segment that still leave room for the ending of a result, on common file systems."""


@dataclass(frozen=True, slots=True)
class Left:
    """A folder that was not searched: it is `closed` to us, or a `link`, which may lead anywhere, in circles too."""

    path: Path
    why: Literal["closed", "link"]


@dataclass(frozen=True, slots=True)
class Found:
    """Every file once, each with its name: the path below the folder given, or its own."""

    files: tuple[tuple[str, Path], ...]
    left: tuple[Left, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Key -> file. `renamed`: those keys that are not the file's name."""

    files: dict[str, Path]
    renamed: tuple[str, ...]
    left: tuple[Left, ...]


def found_files(arguments: Iterable[Path], *, out: Path | None = None) -> Found:
    """Folders are searched through, hidden files and folders in them passed over, and so is `out`."""
    left: list[Left] = []
    files: dict[Path, tuple[str, Path]] = {}
    for name, path in _named(arguments, None if out is None else _plain(out), left):
        files.setdefault(_plain(path), (name, path))
    return Found(tuple(files.values()), tuple(left))


def chosen_files(arguments: Iterable[Path], *, out: Path) -> Chosen:
    """What `found_files` finds, each under a key that is free and can be the name of a result.

    Where two are the same, the later one goes under `2/`, `3/` and so on; letter case does not tell keys apart, for
    results may lie where it does not either.
    """
    found = found_files(arguments, out=out)
    files: dict[str, Path] = {}
    renamed: list[str] = []
    taken: set[str] = set()
    for name, path in found.files:
        key = _free(_key(name), taken)
        taken.add(_folded(key))
        files[key] = path
        if key != name:
            renamed.append(key)
    return Chosen(files, tuple(renamed), found.left)


def _named(arguments: Iterable[Path], out: Path | None, left: list[Left]) -> Iterator[tuple[str, Path]]:
    for argument in arguments:
        if argument.is_dir():
            for path in _inside(argument, out, left):
                yield path.relative_to(argument).as_posix(), path
        else:
            yield argument.name, argument


def _inside(top: Path, out: Path | None, left: list[Left]) -> Iterator[Path]:
    """Files below a folder, in the order of their names."""
    for place, names, files in os.walk(top, onerror=lambda error: left.append(Left(Path(error.filename), "closed"))):
        inner = [Path(place, name) for name in sorted(names) if not name.startswith(".")]
        left.extend(Left(path, "link") for path in inner if path.is_symlink())
        names[:] = [path.name for path in inner if _plain(path) != out]
        yield from (
            path for name in sorted(files) if not name.startswith(".") and _to_be_read(path := Path(place, name))
        )


def _to_be_read(path: Path) -> bool:
    """Plain files; and what can't be looked at, so that whoever reads it says so. Pipes and devices have no end."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def _key(name: str) -> str:
    """The name where it can be an object's key and a result's file name; one made of its digest where it can't."""
    try:
        if name and all(0 < len(part.encode()) <= LONGEST_NAME for part in name.split("/")):
            return safe_key(name)
    except ValueError:  # not UTF-8, too long, or control characters
        pass
    return f"unnamed/{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"


def _free(key: str, taken: set[str]) -> str:
    if _folded(key) not in taken:
        return key
    return next(other for number in count(2) if _folded(other := f"{number}/{key}") not in taken)


def _folded(key: str) -> str:
    return unicodedata.normalize("NFC", key).casefold()


def _plain(path: Path) -> Path:
    """Absolute, without `..`. Links stay: two links to one file are two documents with names of their own."""
    return Path(os.path.abspath(path))  # noqa: PTH100
