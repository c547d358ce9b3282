"""What `pagestream demo` shows of its run: outcomes, texts, one trace, and where to look next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.commands.demo_run import Ended, Played
from pipeline.render.trace import trace_rows, trace_table
from schemas.failures import DeadLetter
from schemas.results import DocumentCompleted

WIDTH = 100
FIRST_LINES = 6


def show(played: Played, out: Path) -> bool:
    """Print it, and say whether all went as it should."""
    console = Console(highlight=False, emoji=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    console.print(_outcomes(played))
    _print_texts(console, played)
    _print_trace(console, played)
    _print_places(console, out, played.views)
    wrong = [ended for ended in played.ended if _end(ended) != ended.event.ends]
    for ended in wrong:
        console.print(f"[red]{ended.event.label} ended as {_end(ended)}, not as {ended.event.ends}.[/red]")
    if not wrong:
        look = str(played.views[-1])
        console.print(Text.assemble("All five ended as they should. Open ", (look, "bold"), " in a browser next."))
    return not wrong


def _end(ended: Ended) -> str:
    outcome = ended.outcome
    return outcome.code if isinstance(outcome, DeadLetter) else outcome.status


def _outcomes(played: Played) -> Table:
    title = f"Five events, one outcome each, in {played.seconds:.1f} s"
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    table.add_column("document")
    table.add_column("outcome")
    for name in ("pages", "lines", "ms"):
        table.add_column(name, justify="right")
    table.add_column("code and what to do", overflow="fold")
    for ended in played.ended:
        table.add_row(ended.event.label, *_cells(ended, played.spans))
    return table


def _cells(ended: Ended, spans: Sequence[ReadableSpan]) -> tuple[Text | str, ...]:
    match ended.outcome:
        case DocumentCompleted(status=status, page_count=pages, timings=timings):
            assert ended.result is not None
            lines = sum(len(page.lines or ()) for page in ended.result.pages)
            style = "green" if status == "complete" else "yellow"
            return Text(status, style), str(pages), str(lines), f"{1000 * (timings.total_s or 0):.0f}", ""
        case DeadLetter(code=code, message=message):
            told = Text.assemble((code, "red"), f": {message}")
            return Text("dead letter", "red"), "", "", _process_ms(ended, spans), told


def _process_ms(ended: Ended, spans: Sequence[ReadableSpan]) -> str:
    for span in spans:
        offset = (span.attributes or {}).get("messaging.kafka.offset")
        if span.name == "process pagestream.documents" and offset == ended.offset and span.end_time and span.start_time:
            return f"{(span.end_time - span.start_time) / 1e6:.0f}"
    return ""


def _print_texts(console: Console, played: Played) -> None:
    console.print("[bold]What they say[/bold]: the first lines of each\n")
    for ended in played.ended:
        if ended.result is None:
            continue
        lines = [line for page in ended.result.pages for line in page.lines or ()]
        console.print(Text(f"  {ended.event.label}", "cyan"))
        for line in islice(lines, FIRST_LINES):
            console.print(
                Text.assemble((f"    {line.confidence:.2f}  ", "dim"), line.text), overflow="ellipsis", no_wrap=True
            )
        if len(lines) > FIRST_LINES:
            console.print(Text(f"          and {len(lines) - FIRST_LINES} lines more", "dim"))
        console.print()


def _print_trace(console: Console, played: Played) -> None:
    """The trace of the document with most pages."""
    read = [ended for ended in played.ended if isinstance(ended.outcome, DocumentCompleted)]
    longest = max(read, key=lambda ended: len(ended.result.pages) if ended.result else 0, default=None)
    if longest is None or not isinstance(longest.outcome, DocumentCompleted):
        return
    trace_id = longest.outcome.trace_id or ""
    rows = trace_rows(played.spans, trace_id)
    console.print(trace_table(rows, title=f"The trace of {longest.event.label} (~ batches, traces of their own)"))


def _print_places(console: Console, out: Path, views: Sequence[Path]) -> None:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 2))
    for place, what in (
        ("documents/", "the samples, as they lay in the store"),
        ("results/", "one result object a document: text, boxes, scores, models"),
        ("records/", "what went onto the topics for pages, results and dead letters"),
        ("pages/", "pages with what was read upon them, in a browser: " + ", ".join(path.name for path in views)),
    ):
        table.add_row(Text(f"{out}/{place}"), what)
    console.print("[bold]On disk[/bold]\n")
    console.print(table)
    console.print()
