"""Objects in S3 (MinIO, Silo, Ceph, AWS): fetched within bounds of bytes and time, put whole."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from itertools import count, islice
from typing import Final, TypeVar

from minio import Minio

from connectors.errors import failure
from connectors.object_names import check_name
from connectors.store_errors import FOREIGN, TRANSIENT, code_of
from connectors.store_http import BoundedPool, Patience, read_body
from connectors.store_settings import StoreSettings
from pipeline.errors import Rejected, Retryable
from schemas.objects import ObjectInfo, ObjectRef

__all__ = ["S3Store", "StoreSettings"]

Answer = TypeVar("Answer")

_FIRST_PAUSE_S: Final = 0.1
_MIN_PART_BYTES: Final = 5 * 2**20


class S3Store:
    """The store port over minio-py. Any thread may use it; no other process (not after a fork).

    Every call ends by its deadline and raises Rejected, Retryable or Environment by the table in `connectors.errors`.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._pool = BoundedPool(connections=settings.connections, ca_file=settings.ca_file)
        self._client = Minio(
            settings.host,
            credentials=settings.credentials(),
            secure=settings.secure,
            region=settings.region,
            http_client=self._pool,
        )
        if settings.addressing == "path":
            self._client.disable_virtual_style_endpoint()  # type: ignore[no-untyped-call]
        elif settings.addressing == "virtual":
            self._client.enable_virtual_style_endpoint()  # type: ignore[no-untyped-call]

    def stat(self, ref: ObjectRef) -> ObjectInfo:
        """What the store says of an object, without its bytes."""
        try:
            return self._fetched(ref, lambda patience: self._stat(ref), self._asking())
        except Rejected as error:
            if error.code == "object_missing":
                self.check_bucket(ref.bucket)  # an answer to HEAD has no body: a missing bucket looks the same
            raise

    def get(self, ref: ObjectRef, *, max_bytes: int, deadline_s: float) -> tuple[ObjectInfo, bytes]:
        """The object as it is stored (never decoded), if it is the one meant and has at most `max_bytes`."""
        return self._fetched(ref, lambda patience: self._get(ref, max_bytes, patience), self._patience(deadline_s))

    def put(self, bucket: str, key: str, body: bytes, *, content_type: str, deadline_s: float) -> ObjectInfo:
        """Write an object in one piece. Putting the same again changes nothing, so it is tried again like a read."""
        deadline = time.monotonic() + deadline_s
        # The client sends the whole body under the connect timeout, and the store answers when it has it on disk.
        patience = Patience(deadline, connect_s=deadline_s, read_s=deadline_s)
        return self._tried(lambda patience: self._put(bucket, key, body, content_type), "store", bucket, patience)

    def list_objects(self, bucket: str, prefix: str, limit: int) -> list[ObjectInfo]:
        """The first `limit` objects under a prefix, by key. A list tells neither versions nor content types."""
        return self._tried(lambda patience: self._list(bucket, prefix, limit), "list", bucket, self._asking())

    def check_bucket(self, bucket: str) -> None:
        """Raises `bucket_missing`, `store_forbidden` or `store_unavailable`."""
        if not self._tried(lambda patience: self._client.bucket_exists(bucket), "check", bucket, self._asking()):
            raise failure("bucket_missing", "check", self._place(bucket))

    def create_bucket(self, bucket: str) -> None:
        self._tried(lambda patience: self._client.make_bucket(bucket), "check", bucket, self._asking())

    def remove(self, bucket: str, key: str) -> None:
        """Where there is no such object, nothing happens."""
        self._tried(lambda patience: self._client.remove_object(bucket, key), "store", bucket, self._asking())

    def remove_bucket(self, bucket: str) -> None:
        """It must be empty."""
        self._tried(lambda patience: self._client.remove_bucket(bucket), "check", bucket, self._asking())

    def close(self) -> None:
        """Close idle connections. Calls under way end by themselves."""
        self._pool.clear()

    def _patience(self, deadline_s: float) -> Patience:
        settings = self._settings
        return Patience(time.monotonic() + deadline_s, settings.connect_timeout_s, settings.read_timeout_s)

    def _asking(self) -> Patience:
        return self._patience(self._settings.request_deadline_s)

    def _fetched(self, ref: ObjectRef, call: Callable[[Patience], Answer], patience: Patience) -> Answer:
        """A version id that the store can't even read names no version of anything."""
        try:
            return self._tried(call, "fetch", ref.bucket, patience)
        except Retryable as error:
            if error.code == "store_refused" and ref.version_id is not None:
                raise failure("object_missing", "fetch") from error
            raise

    def _tried(self, call: Callable[[Patience], Answer], stage: str, bucket: str, patience: Patience) -> Answer:
        """The answer, after some attempts if need be: all our requests may be repeated."""
        for attempt in count(1):
            try:
                with self._pool.within(patience):
                    return call(patience)
            except FOREIGN as error:
                code = code_of(error, self._pool.status)
                pause_s = _FIRST_PAUSE_S * 2**attempt * random.uniform(0.5, 1.0)
                if code not in TRANSIENT or attempt >= self._settings.attempts or pause_s >= patience.left_s():
                    raise failure(code, stage, self._place(bucket)) from error
            time.sleep(pause_s)
        raise AssertionError

    def _place(self, bucket: str) -> str:
        return f"bucket {bucket}, store {self._settings.endpoint}"

    def _stat(self, ref: ObjectRef) -> ObjectInfo:
        check_name(ref.key, "fetch")
        found = self._client.stat_object(ref.bucket, ref.key, version_id=ref.version_id, extra_headers=_condition(ref))
        info = ObjectInfo(
            ref.bucket, ref.key, found.version_id, _unquoted(found.etag), found.size or 0, found.content_type
        )
        _check_same(ref, info)
        return info

    def _get(self, ref: ObjectRef, max_bytes: int, patience: Patience) -> tuple[ObjectInfo, bytes]:
        check_name(ref.key, "fetch")
        response = self._client.get_object(
            ref.bucket, ref.key, version_id=ref.version_id, request_headers=_condition(ref)
        )
        try:
            headers = response.headers
            size = int(headers.get("content-length") or 0)
            version_id, etag = headers.get("x-amz-version-id"), _unquoted(headers.get("etag"))
            info = ObjectInfo(ref.bucket, ref.key, version_id, etag, size, headers.get("content-type"))
            _check_same(ref, info)
            if size > max_bytes:
                raise failure("object_too_large", "fetch")
            body = read_body(response, max_bytes, patience)
        finally:
            response.close()
            response.release_conn()
        return replace(info, size=len(body)), body

    def _put(self, bucket: str, key: str, body: bytes, content_type: str) -> ObjectInfo:
        check_name(key, "store")
        written = self._client.put_object(
            bucket,
            key,
            BytesIO(body),
            len(body),
            content_type=content_type,
            part_size=max(len(body), _MIN_PART_BYTES),
        )
        return ObjectInfo(bucket, key, written.version_id, _unquoted(written.etag), len(body), content_type)

    def _list(self, bucket: str, prefix: str, limit: int) -> list[ObjectInfo]:
        found = islice(self._client.list_objects(bucket, prefix=prefix, recursive=True), limit)
        return [
            ObjectInfo(bucket, one.object_name or "", None, _unquoted(one.etag), one.size or 0, None) for one in found
        ]


def _condition(ref: ObjectRef) -> dict[str, str | list[str] | tuple[str]] | None:
    return {"If-Match": f'"{ref.etag}"'} if ref.etag is not None else None


def _unquoted(etag: str | None) -> str | None:
    return etag.strip('"') if etag else None


def _check_same(ref: ObjectRef, info: ObjectInfo) -> None:
    """Not every store knows If-Match."""
    pairs: Mapping[str, tuple[str | None, str | None]] = {
        "version": (ref.version_id, info.version_id),
        "etag": (ref.etag, info.etag),
    }
    if any(meant and found and meant != found for meant, found in pairs.values()):
        raise failure("object_changed", "fetch")
