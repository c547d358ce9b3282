"""What goes to stdout: tables for people, plain lines for pipes; names as they are, or escaped where they can't be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

PIPED_WIDTH = 120
"""Columns of a table where no terminal says how many there are."""


def output() -> Console:
    """Markup is off: keys and file names hold brackets of their own."""
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def show_card(console: Console, rows: Mapping[str, str]) -> None:
    """A small table on a terminal; elsewhere `name: value` lines that are never cut, and an empty one."""
    if console.is_terminal:
        card = Table(Column(no_wrap=True), Column(overflow="fold"), show_header=False)
        for name, value in rows.items():
            card.add_row(name, value)
        console.print(card)
        return
    for name, value in rows.items():
        console.print(f"{name}: {value}", soft_wrap=True)
    console.print()


def shown(name: str | Path) -> str:
    """A name on one line: control signs and bytes that are no UTF-8 are escaped."""
    text = os.fspath(name)
    return text if text.isprintable() else ascii(text)
