"""Which files take part: those that our decoder opens, with their pages counted before anything is timed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.decode.decoder import Decoder
from pipeline.decode.limits import DecodeLimits
from pipeline.errors import Fatal, Rejected, Retryable

WARM_UP_FILES = 3
"""Read once before the clock runs: allocators, thread pools and the file cache are warm then."""


@dataclass(frozen=True, slots=True)
class Documents:
    """`files` by name; `pages` of all of them; `left_out`: name -> code of why it takes no part."""

    files: dict[str, Path] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def page_count(self) -> int:
        return sum(self.pages.values())

    @property
    def warm_up(self) -> dict[str, Path]:
        return dict(list(self.files.items())[:WARM_UP_FILES])


def choose(
    found: Iterable[tuple[str, Path]],
    limits: DecodeLimits,
    *,
    dpi: int,
    limit: int | None,
    suits: Callable[[str], bool],
) -> Documents:
    """The first `limit` files that can be opened and whose name `suits` every side.

    Raises Fatal `bench_no_documents` when there is none.
    """
    chosen = Documents()
    with Decoder(limits) as decoder:
        for name, path in found:
            if limit is not None and len(chosen.files) >= limit:
                break
            try:
                pages = len(decoder.open(read_file(path), dpi=dpi).sizes) if suits(name) else 0
            except (Rejected, Retryable) as error:
                chosen.left_out[name] = error.code
                continue
            if pages:
                chosen.files[name], chosen.pages[name] = path, pages
            else:
                chosen.left_out[name] = "not_for_all_sides"
    if not chosen.files:
        raise Fatal(
            "No file in there can be read by all sides; choose a folder of images and PDFs.",
            code="bench_no_documents",
            stage="bench",
        )
    return chosen


def read_file(path: Path) -> bytes:
    """Raises Rejected `file_unreadable`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Rejected("The file can't be read.", code="file_unreadable", stage="bench") from error
