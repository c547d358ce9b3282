"""The store laws, as far as reading goes, over chosen files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from connectors.errors import failure
from connectors.file_store import FileStore
from connectors.object_names import check_name
from pipeline.errors import Rejected
from schemas.objects import ObjectInfo, ObjectRef
from tests.contract.store_laws import StoreLaws


class Filled(FileStore):
    """Files appear in it by `put`, as a person would save them; it lists nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.chosen = folder, dict[str, Path]()
        super().__init__("documents", self.chosen)

    def put(self, bucket: str, key: str, body: bytes, *, content_type: str, deadline_s: float) -> ObjectInfo:
        check_name(key, "store")
        self.check_bucket(bucket)
        self.chosen[key] = self.folder / hashlib.sha256(key.encode()).hexdigest()
        self.chosen[key].write_bytes(body)
        return self.stat(ObjectRef(bucket, key))

    def list_objects(self, bucket: str, prefix: str, limit: int) -> list[ObjectInfo]:
        raise failure("bucket_missing", "list")


class TestFileStore(StoreLaws):
    test_a_list_is_ordered_and_bounded = None  # files are chosen, not listed

    @pytest.fixture
    def store(self, tmp_path: Path) -> Filled:
        return Filled(tmp_path)

    @pytest.fixture
    def bucket(self) -> str:
        return "documents"

    def test_only_chosen_files_can_be_reached(self, store, tmp_path):
        """A file beside a chosen one does not exist, by any key."""
        store.put("documents", "in.png", b"in", content_type="image/png", deadline_s=1)
        (tmp_path / "secret.txt").write_bytes(b"no")
        for key in ("secret.txt", str(tmp_path / "secret.txt"), "in.png/secret.txt"):
            with pytest.raises(Rejected) as caught:
                store.get(ObjectRef("documents", key), max_bytes=99, deadline_s=1)
            assert caught.value.code == "object_missing"

    def test_a_file_that_is_gone_or_broken_is_that_documents_fault(self, store, tmp_path):
        """What went away is missing, what can't be read is unreadable; neither is the environment's failure."""
        store.chosen["gone.png"] = tmp_path / "gone.png"
        store.chosen["folder.png"] = tmp_path
        store.chosen["pipe.png"] = tmp_path / "pipe.png"
        os.mkfifo(store.chosen["pipe.png"])
        unreadable = "file_unreadable"
        for key, code in (("gone.png", "object_missing"), ("folder.png", unreadable), ("pipe.png", unreadable)):
            with pytest.raises(Rejected) as caught:
                store.stat(ObjectRef("documents", key))
            assert caught.value.code == code
