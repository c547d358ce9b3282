"""The samples: what each is called, its bytes, and what is written in it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.samples import receipt, report, scan


@dataclass(frozen=True, slots=True)
class Sample:
    """`pages` holds, for each page, the lines a person would read there."""

    key: str
    content_type: str
    body: bytes
    pages: tuple[tuple[str, ...], ...]


def letter() -> Sample:
    return Sample("scans/letter.png", "image/png", scan.draw(), (tuple(scan.lines()),))


def till_receipt() -> Sample:
    return Sample("photos/receipt.jpg", "image/jpeg", receipt.draw(), (tuple(receipt.lines()),))


def gauge_report() -> Sample:
    pages = tuple(tuple(page) for page in report.lines())
    return Sample("office/report.pdf", "application/pdf", report.draw(), pages)


def torn() -> Sample:
    """A scan whose upload ended half-way: nobody can read it."""
    body = scan.draw()
    return Sample("scans/torn.png", "image/png", body[: len(body) // 200], ())


def readable() -> tuple[Sample, ...]:
    return letter(), till_receipt(), gauge_report()
