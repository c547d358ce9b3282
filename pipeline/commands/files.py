"""Which files are meant by what was typed, and under which key each is known."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

from schemas.events import safe_key

LONGEST_NAME = 255 - len(".json")
"""Bytes of one path segment that still leave room for the ending of a result, on common file systems."""


def chosen_files(arguments: Iterable[Path], *, out: Path) -> dict[str, Path]:
    """Key -> file. Folders are searched through, hidden files and folders in them passed over, and so is `out`.

    A key is the path below the folder given, or a file's own name. Where two are the same, the later one goes under
    `2/`, `3/` and so on; letter case does not tell keys apart, for results may lie where it does not either.
    """
    files: dict[str, Path] = {}
    taken: set[str] = set()
    seen: set[Path] = set()
    results = _plain(out)
    for name, path in _named(arguments, results):
        if (plain := _plain(path)) in seen:
            continue
        seen.add(plain)
        key = _free(_key(name), taken)
        taken.add(_folded(key))
        files[key] = path
    return files


def _named(arguments: Iterable[Path], out: Path) -> Iterator[tuple[str, Path]]:
    for argument in arguments:
        if argument.is_dir():
            for path in _inside(argument, out):
                yield path.relative_to(argument).as_posix(), path
        else:
            yield argument.name, argument


def _inside(folder: Path, out: Path) -> Iterator[Path]:
    """Files below a folder, in the order of their names. Links to folders are not followed: they may form circles."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and _plain(Path(place, name)) != out)
        for name in sorted(names):
            path = Path(place, name)
            if not name.startswith(".") and path.is_file():
                yield path


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
