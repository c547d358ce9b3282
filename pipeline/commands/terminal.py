"""What goes to stdout: tables for people, plain lines for pipes; names as they are, or escaped where they can't be."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console

PIPED_WIDTH = 120
"""Columns of a table where no terminal says how many there are."""


def output() -> Console:
    """Markup is off: keys and file names hold brackets of their own."""
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def shown(name: str | Path) -> str:
    """A name on one line: control signs and bytes that are no UTF-8 are escaped."""
    text = os.fspath(name)
    return text if text.isprintable() else ascii(text)


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
