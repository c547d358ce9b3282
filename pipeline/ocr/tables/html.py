"""A table as HTML that every browser and parser reads as the same grid."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from .grid import Grid

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write; HTML parsers differ over them."""


def to_html(grid: Grid, texts: Sequence[str]) -> str:
    """`texts`: one for each cell of the grid. Well formed as XML too; line breaks in a text stay what they are."""
    rows = ["" for _ in grid.slots]
    for (row, _, row_span, column_span), text in zip(grid.places.tolist(), texts, strict=True):
        kind = "th" if row < grid.head_rows else "td"
        spans = _attribute("rowspan", row_span) + _attribute("colspan", column_span)
        rows[row] += f"<{kind}{spans}>{html.escape(_NOT_XML.sub('', text), quote=False)}</{kind}>"
    head, body = rows[: grid.head_rows], rows[grid.head_rows :]
    return f"<table>{_section('thead', head)}{_section('tbody', body)}</table>"


def _attribute(name: str, span: int) -> str:
    return f' {name}="{span}"' if span > 1 else ""


def _section(name: str, rows: Sequence[str]) -> str:
    return f"<{name}>{''.join(f'<tr>{row}</tr>' for row in rows)}</{name}>" if rows else ""
