"""The lines on which two sides differ, as a Markdown file for a person. It holds text of documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.bench.comparison import PADDLE, PADDLE_SAME_SIZE
from pipeline.bench.parity import Differing, Parity
from pipeline.bench.truth import Sides
from pipeline.commands.bench_report import LABELS
from pipeline.commands.output import write_whole

VERDICTS = (Sides.OURS, Sides.THEIRS, Sides.NEITHER, Sides.UNKNOWN)


def write_lines(path: Path, parities: Mapping[str, Parity]) -> None:
    """Raises Environment `out_unwritable`."""
    parts = [_part(LABELS[side], parities[side]) for side in (PADDLE, PADDLE_SAME_SIZE) if side in parities]
    body = "# Lines that differ\n\nThis file holds text of documents.\n\n" + "\n\n".join(map("\n".join, parts)) + "\n"
    write_whole(path, body.encode("utf-8", errors="backslashreplace"))


def _part(label: str, parity: Parity) -> list[str]:
    return [f"## pagestream and {label}", "", *_summary(parity), "", *_counts(parity), "", *_lines(parity.differing)]


def _summary(parity: Parity) -> Iterator[str]:
    yield f"{parity.documents} documents, {parity.pages} pages, {parity.lines} lines that either has."
    yield ""
    yield from _table(
        ("what", "figure"),
        [
            ("lines with the same text", _percent(parity.same_text)),
            ("the same, spaces left out", _percent(parity.same_but_spacing)),
            ("overlap of the two polygons of a line (IoU), mean", _number(parity.iou)),
            ("difference of the two confidences, mean", _number(parity.confidence_difference)),
        ],
    )


def _counts(parity: Parity) -> Iterator[str]:
    yield 'How they differ, and whom ground truth sides with (letter case and spaces left out of that; "neither":'
    yield 'equally far from it; "unknown": nothing is transcribed there).'
    yield ""
    rows = [
        (kind, str(sum(counts.values())), *(str(counts[verdict]) for verdict in VERDICTS))
        for kind, counts in parity.counts().items()
    ]
    total = [sum(int(row[column]) for row in rows) for column in range(1, 2 + len(VERDICTS))]
    yield from _table(("difference", "lines", *VERDICTS), [*rows, ("all", *map(str, total))])


def _lines(differing: Sequence[Differing]) -> Iterator[str]:
    yield from _table(
        ("document", "page", "difference", "ours", "theirs", "printed", "nearer", "confidences", "IoU"),
        [
            (
                line.document,
                str(line.page),
                line.kind,
                line.ours,
                line.theirs,
                line.printed or "",
                line.sides_with.value,
                f"{_number(line.ours_confidence)} / {_number(line.theirs_confidence)}",
                _number(line.iou),
            )
            for line in differing
        ],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(_cell(text) for text in row)} |"


def _cell(text: str) -> str:
    """As it is, except what Markdown would take for its own."""
    plain = " ".join(text.split())
    for sign in "\\`*_|<[":
        plain = plain.replace(sign, f"\\{sign}")
    return plain


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
