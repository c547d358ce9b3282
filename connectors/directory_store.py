"""An object store in a folder: a bucket is a folder in it, a key is a path below that. No versions.

Nothing outside the root is read or written: a key with `..`, an empty segment or a leading slash is refused, and so is
a path that leaves the bucket through a symbolic link.
"""

from __future__ import annotations

import errno
import hashlib
import mimetypes
import os
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Final
from uuid import uuid4

from connectors.errors import failure
from connectors.object_names import check_name
from pipeline.errors import PagestreamError, Rejected
from schemas.objects import ObjectInfo, ObjectRef

_UNFINISHED: Final = ".pagestream-"
"""How the names of files that are still being written begin."""


class DirectoryStore:
    """The store port over one folder. Any thread may use it; a reader sees an object whole or not at all."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def create_bucket(self, name: str) -> None:
        self._bucket_path(name).mkdir(parents=True, exist_ok=True)

    def stat(self, ref: ObjectRef) -> ObjectInfo:
        with self._open(ref) as file:
            digest = hashlib.file_digest(file, _md5).hexdigest()
            return _described(ref, digest, file.tell())

    def get(self, ref: ObjectRef, *, max_bytes: int, deadline_s: float) -> tuple[ObjectInfo, bytes]:
        """The object, whole. `deadline_s` is part of the port; a local file does not keep us waiting."""
        with self._open(ref) as file:
            body = file.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise failure("object_too_large", "fetch")
        return _described(ref, _md5(body).hexdigest(), len(body)), body

    def put(self, bucket: str, key: str, body: bytes, *, content_type: str, deadline_s: float) -> ObjectInfo:
        self.check_bucket(bucket)
        path = self._path(bucket, key, "store")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, body)
        except OSError as error:
            raise _translated(error, "store") from error
        return ObjectInfo(bucket, key, None, _md5(body).hexdigest(), len(body), content_type)

    def list_objects(self, bucket: str, prefix: str, limit: int) -> list[ObjectInfo]:
        """The first `limit` objects under a prefix, by key."""
        self.check_bucket(bucket)
        top = self._bucket_path(bucket)
        keys = (path.relative_to(top).as_posix() for path in _files(top))
        chosen = sorted(key for key in keys if key.startswith(prefix) and self._takes(bucket, key))[:limit]
        return [self.stat(ObjectRef(bucket, key)) for key in chosen]

    def check_bucket(self, bucket: str) -> None:
        if not self._bucket_path(bucket).is_dir():
            raise failure("bucket_missing", "check", f"bucket {bucket}")

    def close(self) -> None:
        """Nothing to let go of."""

    def _bucket_path(self, name: str) -> Path:
        if not name or name.startswith(".") or "/" in name or "\0" in name:
            raise failure("bucket_missing", "check", f"bucket {name}")
        return self._root / name

    def _path(self, bucket: str, key: str, stage: str) -> Path:
        check_name(key, stage)
        segments = key.split("/")
        if "" in segments or "\\" in key or any(segment.startswith(_UNFINISHED) for segment in segments):
            raise failure("object_name_invalid", stage)
        top = self._bucket_path(bucket)
        path = top.joinpath(*segments)
        if not path.resolve().is_relative_to(top.resolve()):
            raise failure("object_name_invalid", stage)
        return path

    def _takes(self, bucket: str, key: str) -> bool:
        try:
            return self._path(bucket, key, "list").is_file()
        except Rejected:
            return False

    def _open(self, ref: ObjectRef) -> BufferedReader:
        """An open file that is the object meant, at its beginning; the caller closes it."""
        self.check_bucket(ref.bucket)
        path = self._path(ref.bucket, ref.key, "fetch")
        if ref.version_id is not None or path.is_dir():
            raise failure("object_missing", "fetch")
        try:
            file = path.open("rb")
        except OSError as error:
            raise _translated(error, "fetch") from error
        if ref.etag is not None and hashlib.file_digest(file, _md5).hexdigest() != ref.etag:
            file.close()
            raise failure("object_changed", "fetch")
        file.seek(0)
        return file


def _md5(data: bytes = b"") -> hashlib._Hash:
    """S3's ETag of an object put in one piece; it identifies, it protects nothing."""
    return hashlib.md5(data, usedforsecurity=False)


def _described(ref: ObjectRef, etag: str, size: int) -> ObjectInfo:
    return ObjectInfo(ref.bucket, ref.key, None, etag, size, mimetypes.guess_type(ref.key)[0])


def _write(path: Path, body: bytes) -> None:
    """A new file takes the old one's place at once; what is left of a crash is never listed."""
    unfinished = path.parent / f"{_UNFINISHED}{uuid4().hex}"
    try:
        unfinished.write_bytes(body)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _files(top: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(top):
        for name in names:
            if not name.startswith(_UNFINISHED):
                yield Path(folder, name)


def _translated(error: OSError, stage: str) -> PagestreamError:
    if isinstance(error, FileNotFoundError):
        return failure("object_missing", stage)
    if isinstance(error, PermissionError):
        return failure("store_forbidden", stage)
    if isinstance(error, NotADirectoryError | IsADirectoryError | FileExistsError) or error.errno == errno.ENAMETOOLONG:
        return failure("object_name_invalid", stage)
    return failure("store_unavailable", stage)
