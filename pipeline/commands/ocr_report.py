"""What `pagestream ocr` says at the end: what failed and what to do, names that changed, and how much was read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pipeline.commands.exits import complain
from pipeline.commands.sentences import LOCAL
from pipeline.commands.terminal import shown
from pipeline.render.words import counted

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.commands.files import Chosen
    from pipeline.commands.reading import Report


def tell_report(report: Report, chosen: Chosen, out: Path, *, html: bool) -> None:
    """The summary to stdout, all else to stderr. `html`: whether there are pages to look at."""
    _tell_troubles(list(_troubles(report, chosen)))
    for key in report.removed:
        complain.print(f"removed, from an earlier run: {shown(out / key)}.json", soft_wrap=True)
    for key in chosen.renamed:
        place = out / f"{key}.json"
        if place.is_file():
            complain.print(f"{shown(chosen.files[key])} -> {shown(place)}", soft_wrap=True)
    typer.echo("".join(_summary(report, chosen, out, html=html)))


def _summary(report: Report, chosen: Chosen, out: Path, *, html: bool) -> Iterator[str]:
    yield f"{'interrupted after' if report.interrupted else 'read'} {counted(report.documents, 'document')}"
    if report.failed:
        yield f", {report.failed:,} failed"
    if closed := sum(left.why == "closed" for left in chosen.left):
        yield f", {counted(closed, 'folder')} not opened"
    if unread := (len(chosen.files) - report.documents - report.failed if report.interrupted else 0):
        yield f", {unread:,} not read"
    rate = report.pages / max(report.seconds, 0.001)
    yield f": {counted(report.pages, 'page')} in {report.seconds:.1f} s ({rate:.1f} pages/s)"
    if report.unkept:
        yield f", and {counted(report.unkept, 'page')} begun and not kept"
    if report.warnings:
        pages = (f"{code} {count:,}" for code, count in sorted(report.warnings.items()))
        yield f"; warnings of pages: {', '.join(pages)}"
    yield f". Results: {shown(out)}" if report.documents else ". No results"
    if html and report.documents:
        yield ", those to look at in *.html"
    elif report.warnings:
        yield "; --html shows what the warnings are about"


def _troubles(report: Report, chosen: Chosen) -> Iterator[tuple[str, str, str, str]]:
    """Name, page, code, what to do."""
    for left in chosen.left:
        code = f"folder_{left.why}"
        yield shown(left.path), "", code, LOCAL[code]
    for trouble in report.troubles:
        page = "" if trouble.page is None else str(trouble.page)
        yield shown(chosen.files[trouble.key]), page, trouble.code, trouble.message


def _tell_troubles(troubles: list[tuple[str, str, str, str]]) -> None:
    """A table on a terminal; elsewhere a line each, never cut."""
    if complain.is_terminal and troubles:
        complain.print(_table(troubles))
        return
    for name, page, code, message in troubles:
        complain.print(f"{name}{page and f', page {page}'}: {code}: {message}", soft_wrap=True)


def _table(troubles: list[tuple[str, str, str, str]]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, title="Not read, or not all of it", title_justify="left", pad_edge=False)
    table.add_column("document", overflow="fold", ratio=3)
    table.add_column("page", justify="right")
    table.add_column("code", style="red", no_wrap=True)
    table.add_column("what to do", ratio=4)
    for trouble in troubles:
        table.add_row(*trouble)
    return table
