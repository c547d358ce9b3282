"""Which documents arrive when: seeded, so that a pattern is the same every time.

Shapes of receipts are those of 61 scanned receipts of SROIE and WildReceipt, measured on their transcripts; the dense
A4 page is assumed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["receipt", "book"]

RECEIPT_SHAPES = ((480, 33), (640, 16), (320, 7), (800, 3), (960, 2))
"""Width in pixels of a receipt at the detector's 960 px height, and how many of the 61 have it (rounded up to 160)."""

STRIDE, STRIDES = 32, 5
"""The detector is shown widths in multiples of 32; which of the five below a shape's width, chance decides."""

RECEIPT_LINES, RECEIPT_LINES_SPREAD = 50, 0.27
"""Lines on a receipt: median and sigma of a log-normal. Mean 52; 26 to 107 on the 61."""

RECEIPT_COLUMNS, COLUMNS_SPREAD = 195, 0.8
"""Width of a line once it is 48 px high: median and sigma of a log-normal. Mean 268; a tenth are above 576."""

WIDEST_RECEIPT_LINE = 1_180

BOOK_SHAPE = (960, 672)
BOOK_LINES, BOOK_COLUMNS, BOOK_COLUMNS_SPREAD, WIDEST_BOOK_LINE = 45, 700, 0.5, 1_600
"""A dense A4 page: assumed."""

RECEIPT_BYTES, BOOK_BYTES = 4_100_000, 11_606_118
"""A decoded page: the mean of the 61 receipts; A4 at 200 dpi, three bytes a pixel."""

RECEIPT_DECODE_S, BOOK_DECODE_S = 0.015, 0.105
"""9 ms a receipt (Pillow) and 100 ms a page of A4 (PDFium), measured in one process; 5 ms to hand it over, assumed."""


@dataclass(frozen=True, slots=True)
class Page:
    """`height` and `width` as the detector is shown it; `lines` are the widths of its lines at 48 px height."""

    height: int
    width: int
    lines: tuple[int, ...]
    size: int
    decode_s: float


@dataclass(frozen=True, slots=True)
class Document:
    at: float
    kind: Kind
    pages: tuple[Page, ...]


def receipt(chance: random.Random, at: float) -> Document:
    widths, weights = zip(*RECEIPT_SHAPES, strict=True)
    (width,) = chance.choices(widths, weights)
    count = round(_around(chance, RECEIPT_LINES, RECEIPT_LINES_SPREAD, most=107))
    lines = tuple(
        round(_around(chance, RECEIPT_COLUMNS, COLUMNS_SPREAD, most=WIDEST_RECEIPT_LINE)) for _ in range(count)
    )
    shown = width - STRIDE * chance.randrange(STRIDES)
    return Document(at, "receipt", (Page(960, shown, lines, RECEIPT_BYTES, RECEIPT_DECODE_S),))


def book(chance: random.Random, at: float, pages: int) -> Document:
    return Document(at, "book", tuple(_book_page(chance) for _ in range(pages)))


def steady(rate: float, count: int, *, seed: int) -> tuple[Document, ...]:
    """Receipts at `rate` a second on average, each when chance will have it (Poisson)."""
    chance = random.Random(seed)
    return _each(chance, count, lambda number, at: at + chance.expovariate(rate))


def bursts(size: int, every_s: float, count: int, *, seed: int) -> tuple[Document, ...]:
    """All receipts of a burst at once."""
    return _each(random.Random(seed), count, lambda number, _: number // size * every_s)


def backlog(count: int, *, seed: int) -> tuple[Document, ...]:
    return bursts(count, 1.0, count, seed=seed)


def beside(documents: Iterable[Document], pages: int, at: float, *, seed: int) -> tuple[Document, ...]:
    """The same documents with one of `pages` pages among them."""
    return tuple(sorted([*documents, book(random.Random(seed), at, pages)], key=lambda document: document.at))


def _each(chance: random.Random, count: int, when: Callable[[int, float], float]) -> tuple[Document, ...]:
    documents: list[Document] = []
    at = 0.0
    for number in range(count):
        at = when(number, at)
        documents.append(receipt(chance, at))
    return tuple(documents)


def _book_page(chance: random.Random) -> Page:
    lines = tuple(
        round(_around(chance, BOOK_COLUMNS, BOOK_COLUMNS_SPREAD, most=WIDEST_BOOK_LINE)) for _ in range(BOOK_LINES)
    )
    return Page(*BOOK_SHAPE, lines, BOOK_BYTES, BOOK_DECODE_S)


def _around(chance: random.Random, median: float, spread: float, *, most: float) -> float:
    return min(max(median * chance.lognormvariate(0.0, spread), 16.0), most)
