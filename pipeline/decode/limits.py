"""How much one document may ask of us: checked from headers and page boxes, before any pixel is made."""

import math
from dataclasses import asdict, dataclass
from typing import Self

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeLimits:
    """Limits of one document, and of the child process that decodes it.

    `max_document_pixels` counts the whole document at the dpi asked for, less the pages that are too large anyway.
    `cpu_seconds` is what one request (open or a page) may compute: going over it is the document's fault. The wall
    deadlines are longer, for a machine under load: going over one of those is not.
    """

    max_pages: int = 2_000
    max_page_pixels: int = 50_000_000  # A4 at 600 dpi is 35 million
    max_document_pixels: int = 10_000_000_000  # 2 000 pages of A4 at 220 dpi
    memory_bytes: int = 2_048 * MIB  # address space of the child
    cpu_seconds: int = 25
    start_seconds: float = 30.0
    open_seconds: float = 30.0
    page_seconds: float = 60.0
    recycle_documents: int = 200
    recycle_bytes: int = 512 * MIB  # resident size at rest over which the child is replaced, between documents

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value <= 0:
                raise ValueError(f"DecodeLimits.{name} must be positive")

    @property
    def recycle_open_bytes(self) -> int:
        """Resident size over which the child is replaced between two pages of a document: half of what it may have, so
        that no page meets the limit for the sake of those before it."""
        return self.memory_bytes // 2

    def page_allows(self, width: int, height: int) -> bool:
        return width * height <= self.max_page_pixels

    def share_of(self, width: float, height: float) -> float:
        """How much of its resolution a page of this size, in pixels, can be rendered with: 1 where it is small."""
        return min(1.0, math.sqrt(self.max_page_pixels / (width * height)))

    @classmethod
    def from_fields(cls, fields: dict[str, int | float]) -> Self:
        return cls(**fields)  # type: ignore[arg-type]  # our own asdict(), over argv
