"""One document's trace as a tree, with times: what a tracing backend would show, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

BAR = 30
BATCHES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the tree. `branch` is what is drawn before the name; times in milliseconds, from the root's start."""

    branch: str
    name: str
    start_ms: float
    took_ms: float
    kind: str


def trace_rows(spans: Sequence[ReadableSpan], trace_id: str) -> list[Row]:
    """The spans of a trace (32 hexadecimal digits), and under each the batches it is linked with, which are traces of
    their own. Empty if there are none."""
    ours = [span for span in spans if f"{_context(span).trace_id:032x}" == trace_id]
    ids = {_context(span).span_id for span in ours}
    roots = sorted((span for span in ours if _parent(span) not in ids), key=_start)
    if not roots:
        return []
    tree = _Tree(ours, {_context(span).span_id: span for span in spans}, _start(roots[0]))
    return [row for root in roots for row in tree.rows(root, "", "")]


def trace_table(rows: Sequence[Row], *, title: str) -> Table:
    whole = max((row.start_ms + row.took_ms for row in rows), default=1.0)
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    table.add_column("span", no_wrap=True)
    table.add_column("at, ms", justify="right")
    table.add_column("took, ms", justify="right")
    table.add_column("", no_wrap=True)
    for row in rows:
        style = {"batch": "cyan", "note": "dim"}.get(row.kind, "")
        times = ("", "") if row.kind == "note" else (f"{row.start_ms:.0f}", f"{row.took_ms:.1f}")
        bar = "" if row.kind == "note" else _bar(row, whole)
        table.add_row(Text(row.branch, "dim").append(row.name, style), *times, Text(bar, style or "green"))
    return table


@dataclass(frozen=True, slots=True)
class _Tree:
    ours: Sequence[ReadableSpan]
    by_id: dict[int, ReadableSpan]
    began: int

    def rows(self, span: ReadableSpan, branch: str, below: str) -> Iterator[Row]:
        yield self._row(span, _name(span), "span", branch=branch)
        children = sorted((c for c in self.ours if _parent(c) == _context(span).span_id), key=_start)
        parts: list[Row | ReadableSpan] = [*self._batches(span), *children]
        for part in parts:
            corner, bar = ("└─ ", "   ") if part is parts[-1] else ("├─ ", "│  ")
            if isinstance(part, Row):
                yield replace(part, branch=below + corner)
            else:
                yield from self.rows(part, below + corner, below + bar)

    def _batches(self, span: ReadableSpan) -> Iterator[Row]:
        linked = (self.by_id.get(link.context.span_id) for link in span.links)
        batches = sorted((batch for batch in linked if batch is not None), key=_start)
        for batch in batches[:BATCHES_SHOWN]:
            yield self._row(batch, _batch_name(batch), "batch")
        if len(batches) > BATCHES_SHOWN:
            yield Row("", f"~ and {len(batches) - BATCHES_SHOWN} batches more", 0, 0, "note")

    def _row(self, span: ReadableSpan, name: str, kind: str, *, branch: str = "") -> Row:
        start, end = _start(span), span.end_time or _start(span)
        return Row(branch, name, (start - self.began) / 1e6, (end - start) / 1e6, kind)


def _name(span: ReadableSpan) -> str:
    """With the service's name in front where it is not ours: there the trace began."""
    service = span.resource.attributes.get("service.name")
    code = (span.attributes or {}).get("error.type")
    name = span.name if span.parent is not None else f"{service}: {span.name}"
    return f"{name} [{code}]" if code else name


def _batch_name(span: ReadableSpan) -> str:
    attributes = span.attributes or {}
    size, documents = attributes.get("pagestream.batch.size"), len(span.links)
    shared = f" of {documents} documents" if documents > 1 else ""
    return f"~ {span.name}: {size}{shared}, {attributes.get('pagestream.batch.closed')}"


def _bar(row: Row, whole_ms: float) -> str:
    first = min(round(row.start_ms / whole_ms * BAR), BAR - 1)
    length = max(round(row.took_ms / whole_ms * BAR), 1)
    return " " * max(first, 0) + "█" * min(length, BAR - max(first, 0))


def _context(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def _parent(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent is not None else None


def _start(span: ReadableSpan) -> int:
    return span.start_time or 0
