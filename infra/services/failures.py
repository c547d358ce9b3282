"""What can go wrong with a service, as the person at the terminal should hear it."""

from __future__ import annotations

from pathlib import Path

TAIL_LINES = 25


class Unavailable(Exception):
    """This machine lacks a tool that the service needs. The others go on without it."""


class Failed(Exception):
    """The service could not be installed, started or set up. `log` is where the reason stands."""

    def __init__(self, message: str, *, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log

    def explain(self) -> str:
        if self.log is None or not self.log.exists():
            return str(self)
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join([str(self), f"the end of {self.log}:", *(f"  | {line}" for line in lines)])
