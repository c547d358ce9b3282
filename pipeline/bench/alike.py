"""Does another engine read what the CPU's reads? Page by page: the lines it finds, and what it makes of equal crops."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pipeline.engines.base import Engine, Image, Reading
from pipeline.engines.whole_page import read_page
from pipeline.ocr.agreement import Difference, ReadLine, difference, pair_lines


@dataclass(slots=True)
class Alike:
    """What the pages so far have shown.

    `lines`: read by the reference; `missed` by the other, and `added` by it alone. `found`: how texts differ where both
    found a line, in the whole path. `crops`: how they differ on the reference's own crops, so that finding has no part
    in it. `gap`: the largest difference of mean probability there, where texts are equal.
    """

    pages: int = 0
    lines: int = 0
    missed: int = 0
    added: int = 0
    found: Counter[Difference] = field(default_factory=Counter)
    crops: Counter[Difference] = field(default_factory=Counter)
    gap: float = 0.0

    def add(self, reference: Engine, other: Engine, page: Image) -> None:
        """Read one page with both."""
        ours, pieces = read_page(reference, page)
        theirs, _ = read_page(other, page)
        paired = pair_lines(ours, theirs)
        self.pages += 1
        self.lines += len(ours.lines)
        self.missed += len(paired.only_ours)
        self.added += len(paired.only_theirs)
        self.found.update(pair.difference for pair in paired.pairs)
        for line, reading in zip(ours.lines, other.recognise(pieces), strict=True):
            self._compare(line, reading)

    def _compare(self, line: ReadLine, reading: Reading) -> None:
        kind = difference(line.text, reading.text)
        self.crops[kind] += 1
        if kind is Difference.NONE:
            self.gap = max(self.gap, abs(line.confidence - reading.mean_probability))
