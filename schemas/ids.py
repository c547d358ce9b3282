"""Names that follow from content: the same document and the same work always have the same id.

Canonical JSON here is RFC 8785 for what we put in: keys sorted, no spaces, UTF-8. Two things differ and neither is
used: keys sort by code point, and a whole float keeps its ".0".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from uuid import UUID, uuid5

import orjson

from schemas.events import Options, bare_etag, real_version

NAMESPACE = UUID("9bc57e74-3c7b-488e-ba54-cd309a6d7947")
"""Ours alone, drawn once at random. Changing it renames every document."""


class Stamp(Protocol):
    """A model as a fingerprint sees it. `device` is a kind ("cpu", "cuda"), never one card's number."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def runtime(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def precision(self) -> str: ...


def canonical_json(value: Any) -> bytes:
    """`value` (JSON types and tuples) as canonical JSON. Raises TypeError for anything else."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def document_id(bucket: str, key: str, *, version_id: str | None = None, etag: str | None = None) -> str:
    """The id of one object: by its version, or by its etag (quotes ignored) where there is none.

    `key` is not percent-encoded. Raises ValueError when neither is known: ask the store first.
    """
    identity = real_version(version_id) or bare_etag(etag)
    if identity is None:
        raise ValueError("Ask the store for version or etag first: the object has no identity without.")
    return _uuid([bucket, key, identity])


def result_id(document_id: str, options: Options, fingerprint: str) -> str:
    """The id of one way of reading one document. `options` are the effective ones."""
    return _uuid([document_id, options.model_dump(), fingerprint])


def pipeline_fingerprint(settings: Mapping[str, Any], models: Iterable[Stamp]) -> str:
    """SHA-256 (hexadecimal) over every setting that changes output and every model, in any order of models."""
    stamps = sorted([m.name, m.sha256, m.runtime, m.device, m.precision] for m in models)
    return hashlib.sha256(canonical_json({"settings": dict(settings), "models": stamps})).hexdigest()


def _uuid(parts: list[Any]) -> str:
    return str(uuid5(NAMESPACE, canonical_json(parts).decode()))
