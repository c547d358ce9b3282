"""Where two sides read different text, line by line, and whom ground truth sides with."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from pipeline.bench.truth import Sides, Truth, closer
from pipeline.ocr.agreement import Difference, Paired, ReadLine, ReadPage, agreement, pair_lines

Readings = Mapping[str, Sequence[ReadPage]]

ONLY_OURS, ONLY_THEIRS = "only ours", "only theirs"
CLASSES = (*(kind.value for kind in Difference if kind is not Difference.NONE), ONLY_OURS, ONLY_THEIRS)
"""How two sides can differ on a line."""

NO_PAGE = ReadPage(1, 1, ())


@dataclass(frozen=True, slots=True)
class Differing:
    """A line on which the sides differ. A side that has not found it has no text and no confidence."""

    document: str
    page: int
    kind: str
    ours: str
    theirs: str
    ours_confidence: float | None
    theirs_confidence: float | None
    iou: float | None
    printed: str | None
    sides_with: Sides


@dataclass(frozen=True, slots=True)
class Parity:
    """Shares are of all lines that either side has; None where there is no line. `confidence_difference`: ours less
    theirs, without its sign, mean over pairs."""

    documents: int
    pages: int
    lines: int
    same_text: float | None
    same_but_spacing: float | None
    iou: float | None
    confidence_difference: float | None
    differing: tuple[Differing, ...]

    def counts(self) -> dict[str, dict[str, int]]:
        """By class of difference: how often ground truth sides with whom. Every class and every answer is there."""
        counts = {kind: dict.fromkeys(map(str, Sides), 0) for kind in CLASSES}
        for line in self.differing:
            counts[line.kind][str(line.sides_with)] += 1
        return counts


def compare(ours: Readings, theirs: Readings, truths: Mapping[str, Truth]) -> Parity:
    """Over the documents that both have read."""
    both = [name for name in ours if name in theirs]
    pages = [(name, number, *two) for name in both for number, two in _pages(ours[name], theirs[name])]
    paired = [pair_lines(one, other) for _, _, one, other in pages]
    pairs = [pair for page in paired for pair in page.pairs]
    differing = tuple(
        line
        for (name, number, one, _), found in zip(pages, paired, strict=True)
        for line in _differing(name, number, one, found, truths.get(name) if number == 1 else None)
    )
    return Parity(
        documents=len(both),
        pages=len(pages),
        lines=sum(len(page.pairs) + len(page.only_ours) + len(page.only_theirs) for page in paired),
        same_text=agreement(paired),
        same_but_spacing=agreement(paired, alike=frozenset({Difference.NONE, Difference.SPACING})),
        iou=_mean([pair.iou for pair in pairs]),
        confidence_difference=_mean([abs(pair.ours.confidence - pair.theirs.confidence) for pair in pairs]),
        differing=differing,
    )


def _pages(ours: Sequence[ReadPage], theirs: Sequence[ReadPage]) -> Iterator[tuple[int, tuple[ReadPage, ReadPage]]]:
    return enumerate(zip_longest(ours, theirs, fillvalue=NO_PAGE), 1)


def _differing(name: str, number: int, page: ReadPage, found: Paired, truth: Truth | None) -> Iterator[Differing]:
    def line(kind: str, one: ReadLine | None, other: ReadLine | None, iou: float | None) -> Differing:
        place = one or other
        assert place is not None
        printed = truth.under(place.polygon, width=page.width, height=page.height) if truth is not None else None
        texts = one.text if one else "", other.text if other else ""
        confidences = one.confidence if one else None, other.confidence if other else None
        return Differing(name, number, kind, *texts, *confidences, iou, printed, closer(*texts, printed))

    for pair in found.pairs:
        if pair.difference is not Difference.NONE:
            yield line(pair.difference.value, pair.ours, pair.theirs, pair.iou)
    for alone in found.only_ours:
        yield line(ONLY_OURS, alone, None, None)
    for alone in found.only_theirs:
        yield line(ONLY_THEIRS, None, alone, None)


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None
