"""Where records come from and go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HEADROOM_BYTES = 65_536
"""What every topic of ours allows above an event: one of the largest size is passed on with our headers on top."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The names. `retry` is by delay in seconds."""

    documents: str
    pages: str
    results: str
    dead_letter: str
    retry: Mapping[int, str]

    @classmethod
    def under(cls, prefix: str, delays_s: Sequence[int]) -> Topics:
        return cls(
            documents=f"{prefix}.documents",
            pages=f"{prefix}.pages",
            results=f"{prefix}.results",
            dead_letter=f"{prefix}.dead-letter",
            retry={delay: f"{prefix}.retry.{delay}s" for delay in delays_s},
        )
