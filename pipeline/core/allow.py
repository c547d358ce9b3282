"""Which objects may be read at all. Asked before anything is fetched; keys are unquoted and well formed by then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.errors import Rejected


@dataclass(frozen=True, slots=True)
class AllowList:
    """Empty `prefixes` or `suffixes` allow every key. Suffixes are compared without regard to case."""

    buckets: frozenset[str]
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()

    def check(self, bucket: str, key: str) -> Literal["outside_prefix", "outside_suffix"] | None:
        """None if the object may be read; a reason to pass over it silently; raises `Rejected` if it is refused."""
        if bucket not in self.buckets:
            raise Rejected(
                "The event names a bucket this worker may not read; add it to store.input_buckets if it should.",
                code="bucket_not_allowed",
                stage="event",
            )
        if self.prefixes and not key.startswith(self.prefixes):
            return "outside_prefix"
        if self.suffixes and not key.lower().endswith(tuple(s.lower() for s in self.suffixes)):
            return "outside_suffix"
        return None
