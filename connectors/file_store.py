"""Chosen files on disk as one bucket, to be read and never written. A file is opened when it is asked for, not before.

Which file has which key is the caller's choice; nothing but those files can be reached. No versions; the etag is S3's
of an object put in one piece.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path

from connectors.errors import failure
from connectors.object_names import check_name
from pipeline.errors import PagestreamError, Rejected
from schemas.objects import ObjectInfo, ObjectRef


class FileStore:
    """The reading half of the store port. Any thread may use it."""

    def __init__(self, bucket: str, files: Mapping[str, Path]) -> None:
        self._bucket = bucket
        self._files = files

    def stat(self, ref: ObjectRef) -> ObjectInfo:
        with self._open(ref) as file:
            try:
                digest = hashlib.file_digest(file, _md5).hexdigest()
                return _described(ref, digest, file.tell())
            except OSError as error:
                raise _unreadable(error) from error

    def get(self, ref: ObjectRef, *, max_bytes: int, deadline_s: float) -> tuple[ObjectInfo, bytes]:
        """The file, whole. `deadline_s` is part of the port; a local file does not keep us waiting."""
        with self._open(ref) as file:
            try:
                body = file.read(max_bytes + 1)
            except OSError as error:
                raise _unreadable(error) from error
        if len(body) > max_bytes:
            raise failure("object_too_large", "fetch")
        return _described(ref, _md5(body).hexdigest(), len(body)), body

    def check_bucket(self, bucket: str) -> None:
        if bucket != self._bucket:
            raise failure("bucket_missing", "check", f"bucket {bucket}")

    def _open(self, ref: ObjectRef) -> BufferedReader:
        check_name(ref.key, "fetch")
        if ref.bucket != self._bucket:
            raise failure("bucket_missing", "fetch", f"bucket {ref.bucket}")
        if ref.key not in self._files or ref.version_id is not None:
            raise failure("object_missing", "fetch")
        path = self._files[ref.key]
        try:
            if path.exists() and not path.is_file():  # a pipe would keep us waiting, a device has no end
                raise _no_plain_file()
            return path.open("rb")
        except OSError as error:
            raise _unreadable(error) from error


def _md5(data: bytes = b"") -> hashlib._Hash:
    return hashlib.md5(data, usedforsecurity=False)


def _described(ref: ObjectRef, etag: str, size: int) -> ObjectInfo:
    if ref.etag not in (None, etag):
        raise failure("object_changed", "fetch")
    return ObjectInfo(ref.bucket, ref.key, None, etag, size, mimetypes.guess_type(ref.key)[0])


def _unreadable(error: OSError) -> PagestreamError:
    """One file of many: that it can't be read says nothing about the next, so this is never an Environment."""
    if isinstance(error, FileNotFoundError):
        return failure("object_missing", "fetch")
    return _no_plain_file()


def _no_plain_file() -> Rejected:
    return Rejected(
        "The file can't be read; check that it is a plain file, its permissions and its disk.",
        code="file_unreadable",
        stage="fetch",
    )
