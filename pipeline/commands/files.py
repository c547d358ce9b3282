"""Which files are meant by what was typed, and under which key each is known."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from schemas.events import safe_key

LONGEST_NAME = 255 - len(".json")
"""Bytes of one path segment that still leave room for the ending of a result, on common file systems."""


@dataclass(frozen=True, slots=True)
class Found:
    """Files, each with its name: the path below the folder given, or its own. `closed`: folders that can't be read."""

    files: tuple[tuple[str, Path], ...]
    closed: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Key -> file. `renamed`: those keys that are not the file's name. `closed`: folders that can't be read."""

    files: dict[str, Path]
    renamed: tuple[str, ...]
    closed: tuple[Path, ...]


def found_files(arguments: Iterable[Path], *, out: Path | None = None) -> Found:
    """Every file once. Folders are searched through, links to folders too, hidden files and folders in them passed
    over, and so is `out`."""
    closed: list[Path] = []
    results = out.resolve() if out is not None else None
    named = {_plain(path): (name, path) for name, path in reversed([*_named(arguments, results, closed.append)])}
    return Found(tuple(reversed(named.values())), tuple(closed))


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
    return Chosen(files, tuple(renamed), found.closed)


def _named(arguments: Iterable[Path], out: Path | None, closed: Callable[[Path], None]) -> Iterator[tuple[str, Path]]:
    for argument in arguments:
        if argument.is_dir():
            for path in _inside(argument, out, closed):
                yield path.relative_to(argument).as_posix(), path
        else:
            yield argument.name, argument


def _inside(top: Path, out: Path | None, closed: Callable[[Path], None]) -> Iterator[Path]:
    """Files below a folder, in the order of their names, those behind links to folders last.

    Every folder is entered once, however many links lead to it: that ends circles, and bounds the search.
    """
    entered = {Path(os.path.realpath(top))}
    links = [top]
    while links:
        for place, folders, names in os.walk(links.pop(0), onerror=lambda error: closed(Path(error.filename))):
            inner = sorted(name for name in folders if not name.startswith("."))
            links += [Path(place, name) for name in inner if Path(place, name).is_symlink()]
            folders[:] = [name for name in inner if not Path(place, name).is_symlink() and _new(Path(place, name), entered, out)]
            yield from (Path(place, name) for name in sorted(names) if _readable(Path(place, name)))
        while links and not _new(links[0], entered, out):
            links.pop(0)


def _new(folder: Path, entered: set[Path], out: Path | None) -> bool:
    real = Path(os.path.realpath(folder))
    if real == out or real in entered:
        return False
    entered.add(real)
    return True


def _readable(path: Path) -> bool:
    """Plain files; and what can't be looked at, so that whoever reads it says so. Pipes and devices have no end."""
    if path.name.startswith("."):
        return False
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
