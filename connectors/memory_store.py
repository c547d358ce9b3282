"""An object store in this process: the same port, and the same laws, as the S3 store."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass, replace
from itertools import count
from threading import Lock
from typing import Literal

from connectors.errors import failure
from connectors.object_names import check_name
from schemas.objects import ObjectInfo, ObjectRef

Versioning = Literal["off", "on"]


@dataclass(frozen=True, slots=True)
class _Stored:
    info: ObjectInfo
    body: bytes


@dataclass(slots=True)
class _Bucket:
    versioning: Versioning
    objects: dict[str, list[_Stored]]


class MemoryStore:
    """Buckets of objects; with versioning on, every put keeps what was there. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._faults: deque[str] = deque()
        self._versions = count(1)

    def create_bucket(self, name: str, *, versioning: Versioning = "off") -> None:
        with self._lock:
            self._buckets.setdefault(name, _Bucket(versioning, {}))

    def remove(self, bucket: str, key: str) -> None:
        with self._lock:
            self._bucket(bucket, "store").objects.pop(key, None)

    def fail(self, code: str, calls: int = 1) -> None:
        """The next `calls` calls fail with this code of `connectors.errors`."""
        with self._lock:
            self._faults.extend([code] * calls)

    def stat(self, ref: ObjectRef) -> ObjectInfo:
        with self._lock:
            return self._find(ref).info

    def get(self, ref: ObjectRef, *, max_bytes: int, deadline_s: float) -> tuple[ObjectInfo, bytes]:
        """The object, whole. `deadline_s` is part of the port; nothing here waits."""
        with self._lock:
            stored = self._find(ref)
        if stored.info.size > max_bytes:
            raise failure("object_too_large", "fetch")
        return stored.info, stored.body

    def put(self, bucket: str, key: str, body: bytes, *, content_type: str, deadline_s: float) -> ObjectInfo:
        with self._lock:
            self._fault("store")
            check_name(key, "store")
            place = self._bucket(bucket, "store")
            version_id = f"{next(self._versions):032x}" if place.versioning == "on" else None
            etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
            info = ObjectInfo(bucket, key, version_id, etag, len(body), content_type)
            kept = place.objects.get(key, []) if place.versioning == "on" else []
            place.objects[key] = [*kept, _Stored(info, bytes(body))]
            return info

    def list_objects(self, bucket: str, prefix: str, limit: int) -> list[ObjectInfo]:
        """The first `limit` objects under a prefix, by key. A list tells neither versions nor content types."""
        with self._lock:
            self._fault("list")
            objects = self._bucket(bucket, "list").objects
            keys = sorted((key for key in objects if key.startswith(prefix)), key=str.encode)
            return [replace(objects[key][-1].info, version_id=None, content_type=None) for key in keys[:limit]]

    def check_bucket(self, bucket: str) -> None:
        with self._lock:
            self._fault("check")
            self._bucket(bucket, "check")

    def close(self) -> None:
        """Nothing to let go of."""

    def _fault(self, stage: str) -> None:
        if self._faults:
            raise failure(self._faults.popleft(), stage)

    def _bucket(self, name: str, stage: str) -> _Bucket:
        if name not in self._buckets:
            raise failure("bucket_missing", stage, f"bucket {name}")
        return self._buckets[name]

    def _find(self, ref: ObjectRef) -> _Stored:
        self._fault("fetch")
        check_name(ref.key, "fetch")
        versions = self._bucket(ref.bucket, "fetch").objects.get(ref.key, [])
        matching = [stored for stored in versions if ref.version_id in (None, stored.info.version_id)]
        if not matching:
            raise failure("object_missing", "fetch")
        if ref.etag not in (None, matching[-1].info.etag):
            raise failure("object_changed", "fetch")
        return matching[-1]
