"""What became of objects that were just submitted: heard from the topics of outcomes, matched, shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.progress import Progress
from rich.table import Column, Table

from pipeline.commands.exits import complain
from pipeline.commands.outcomes import Ended, ended, json_line, rows
from pipeline.commands.terminal import output, show_card, shown
from pipeline.topics import Topics
from schemas.ids import document_id
from schemas.objects import ObjectInfo
from schemas.record import Record

NONE_YET = "no outcome yet"


class Follows(Protocol):
    def follow(self, deadline_s: float) -> Iterator[Record]: ...


@dataclass(frozen=True, slots=True)
class Awaited:
    """Objects, and their places by what an outcome says of itself."""

    objects: tuple[ObjectInfo, ...]
    places: Mapping[str, int]

    @classmethod
    def by_reference(cls, references: Mapping[str, ObjectInfo]) -> Awaited:
        """For events of our own."""
        return cls(tuple(references.values()), {reference: at for at, reference in enumerate(references)})

    @classmethod
    def by_document(cls, objects: Sequence[ObjectInfo]) -> Awaited:
        """For the store's own events. Also by key: a document that died before it was looked at has no id."""
        ids = [document_id(one.bucket, one.key, version_id=one.version_id, etag=one.etag) for one in objects]
        names = [_name(one.bucket, one.key) for one in objects]
        return cls(tuple(objects), {said: at for words in (names, ids) for at, said in enumerate(words)})

    def place(self, one: Ended) -> int | None:
        return self.places.get(one.reference or one.document_id or _name(one.bucket, one.key))


def wait(reader: Follows, topics: Topics, awaited: Awaited, timeout: float) -> dict[int, Ended]:
    """Outcomes by the object's place, until all are there or the time is up."""
    found: dict[int, Ended] = {}
    total = len(awaited.objects)
    with Progress(console=complain, transient=True, disable=not complain.is_terminal) as progress:
        task = progress.add_task("outcomes", total=total)
        for record in reader.follow(timeout):
            outcome = ended(record, topics)
            if outcome is not None and (place := awaited.place(outcome)) is not None:
                found[place] = outcome
                progress.update(task, completed=len(found))
            if len(found) == total:
                break
    return found


def show_outcomes(awaited: Awaited, found: Mapping[int, Ended]) -> None:
    console = output()
    if not console.is_terminal:
        for place, info in enumerate(awaited.objects):
            said = rows(found[place]) if place in found else {"outcome": NONE_YET}
            show_card(console, {"document": _name(info.bucket, shown(info.key)), **said})
        return
    console.print(_table(awaited, found))
    for code, message in {one.code: one.message for one in found.values() if one.code}.items():
        console.print(f"{code}: {message}")


def echo_json(awaited: Awaited, found: Mapping[int, Ended]) -> None:
    """A line each, in the order they were submitted; `status` is null where there is no outcome yet."""
    for place, info in enumerate(awaited.objects):
        nothing = {"status": None, "bucket": info.bucket, "key": info.key}
        typer.echo(json_line(found[place]) if place in found else orjson.dumps(nothing).decode())


def _table(awaited: Awaited, found: Mapping[int, Ended]) -> Table:
    table = Table(
        Column("document", overflow="fold", ratio=1),
        Column("outcome"),
        Column("pages", justify="right"),
        Column("code", overflow="fold"),
        Column("trace", overflow="fold", min_width=16),
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for place, info in enumerate(awaited.objects):
        one = found.get(place)
        if one is None:
            table.add_row(shown(info.key), NONE_YET)
        else:
            table.add_row(shown(info.key), one.status, rows(one).get("pages", ""), one.code, one.trace)
    return table


def _name(bucket: str, key: str) -> str:
    return f"{bucket}/{key}"
