"""An object in a store, as an event names it and as the store describes it, free of any client library."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """Which object is meant. `key` is unquoted. A known version or etag (no quotes) must hold when it is read."""

    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object as the store has it. `size` in bytes as stored; None for what the store does not tell."""

    bucket: str
    key: str
    version_id: str | None
    etag: str | None
    size: int
    content_type: str | None
