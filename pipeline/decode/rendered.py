"""What an open document can do inside the child, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pipeline.decode.limits import DecodeLimits
from pipeline.decode.protocol import PageHeader, PageSize
from pipeline.decode.refusals import refusal


@dataclass(frozen=True, slots=True)
class Rendered:
    """`pixels`: width * height * 3 bytes, BGR, rows from the top, without padding."""

    header: PageHeader
    pixels: memoryview


class OpenDocument(Protocol):
    """Both methods raise Rejected; a page refused leaves the document usable."""

    @property
    def sizes(self) -> tuple[PageSize | None, ...]: ...

    def render(self, number: int) -> Rendered: ...

    def close(self) -> None: ...


def check_document(sizes: tuple[PageSize | None, ...], limits: DecodeLimits) -> None:
    """Raises Rejected `document_too_large`; a page too large by itself is refused alone, when it is asked for."""
    pixels = [size.width * size.height for size in sizes if size is not None]
    if sum(count for count in pixels if count <= limits.max_page_pixels) > limits.max_document_pixels:
        raise refusal("document_too_large")


def check_number(number: int, page_count: int) -> None:
    """Page numbers count from 1. Raises Rejected `page_out_of_range`."""
    if not 1 <= number <= page_count:
        raise refusal("page_out_of_range")
