"""Which pages a selection such as "1-3,7" names.

The canonical form is sorted, merged and without spaces: equal selections are equal strings, and so equal result ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

HIGHEST = 1_000_000
"""No page above this can be named: far over any page limit, and it keeps numbers short."""

MOST_RANGES = 1000
"""Parts of one selection: bounds the work of a hostile event."""

_PART = re.compile(r" *([0-9]{1,7}) *(?:- *([0-9]{1,7}) *)?")


def canonical_ranges(given: Any) -> Any:
    """A string or list of page numbers as canonical ranges; None stays. Raises ValueError, without the value."""
    if given is None:
        return None
    if isinstance(given, str):
        parts = [_range(part) for part in given.split(",", MOST_RANGES)]
    elif isinstance(given, (list, tuple)):
        parts = [_single(number) for number in given[: MOST_RANGES + 1]]
    else:
        raise ValueError("neither page ranges nor a list of page numbers")
    if not 1 <= len(parts) <= MOST_RANGES:
        raise ValueError("no page, or too many parts")
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in _merged(parts))


@lru_cache(maxsize=1024)
def ranges(canonical: str) -> tuple[tuple[int, int], ...]:
    """The (first, last) pairs of a canonical selection, ascending, both ends included."""
    return tuple(_range(part) for part in canonical.split(","))


def in_ranges(canonical: str, number: int) -> bool:
    return any(first <= number <= last for first, last in ranges(canonical))


def _range(part: str) -> tuple[int, int]:
    found = _PART.fullmatch(part)
    if found is None:
        raise ValueError("not a page range")
    first = int(found[1])
    last = int(found[2] or first)
    if not 1 <= first <= last <= HIGHEST:
        raise ValueError("page ranges ascend, from 1")
    return first, last


def _single(number: Any) -> tuple[int, int]:
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= HIGHEST:
        raise ValueError("not a page number")
    return number, number


def _merged(parts: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    start, end = min(parts)
    for first, last in sorted(parts):
        if first > end + 1:
            yield start, end
            start = first
            end = last
        end = max(end, last)
    yield start, end
