"""What is a service: how it is installed, started, seen to be ready, set up, and shown to a user."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.services.home import Home
from infra.services.ports import HOST, Ports

Running = Mapping[str, Ports]
"""Ports of the services that run, by service name."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a service is started. Everything its behaviour depends on stands here, so that a change can be noticed."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[Path, str] = field(default_factory=dict)
    """Configuration to write first."""
    first: Sequence[str] = ()
    """A command to run once before, on an empty data folder."""

    def digest(self) -> str:
        files = {str(path): text for path, text in self.files.items()}
        told = json.dumps([list(self.command), dict(self.environment), files], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Service:
    """One service. Its functions raise `Unavailable` (a tool is missing) or `Failed`."""

    name: str
    title: str
    usual_ports: Ports
    install: Callable[[Home], Path]
    """Download or compile what is not in the cache; the folder that holds it."""
    launch: Callable[[Home, Path, Ports, Running], Launch]
    """How to start it: (home, installed, own ports, those that run already)."""
    ready: Callable[[Ports], bool]
    set_up: Callable[[Home, Path, Ports, Running], None]
    """Topics, buckets: done after each start, changes nothing that is there already."""
    look: Callable[[Home, Ports], str]
    exports: Callable[[Home, Ports], Mapping[str, str]]
    optional: bool = False
    """Whether doing without it is fine: it is then skipped with its reason, and that is no failure."""
    deadline_s: float = 60


def nothing_to_set_up(home: Home, installed: Path, ports: Ports, running: Running) -> None:
    """For services that need no topics or buckets."""


def address(port: int) -> str:
    return f"{HOST}:{port}"


def answers(url: str) -> bool:
    """Whether GET gives 200 within two seconds."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
