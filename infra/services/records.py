"""What is remembered of a service that was started, across the runs of this program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.services.process import Process

UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class Record:
    process: Process
    ports: Mapping[str, int]
    launch: str = UNFINISHED
    """Digest of how it was started, once that has succeeded. Another digest wanted means: start it again."""


def write(path: Path, record: Record) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(record)))
    fresh.replace(path)


def read(path: Path) -> Record | None:
    """The record of a process that is alive; None for one that has ended, and for one never started."""
    try:
        told = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    record = Record(Process(**told["process"]), told["ports"], told["launch"])
    return record if record.process.alive else None
