"""The store laws, over the twins in memory and in a folder, and over a real S3 store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from minio import Minio
from minio.commonconfig import ENABLED
from minio.versioningconfig import VersioningConfig

from connectors.directory_store import DirectoryStore
from connectors.memory_store import MemoryStore
from connectors.object_store import S3Store, StoreSettings
from pipeline.errors import Environment, PagestreamError, Rejected
from schemas.objects import ObjectRef
from tests.contract.store_laws import StoreLaws
from tests.services import unique


class TestMemoryStore(StoreLaws):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    @pytest.fixture
    def bucket(self, store: MemoryStore) -> str:
        store.create_bucket("documents")
        return "documents"

    def test_a_fault_is_told_as_often_as_asked(self, store, bucket):
        """`fail` makes the next calls fail with its code, and no more."""
        store.fail("store_unavailable", calls=2)
        for _ in range(2):
            with pytest.raises(Environment) as caught:
                store.check_bucket(bucket)
            assert caught.value.code == "store_unavailable"
        store.check_bucket(bucket)

    def test_versions_are_kept_where_asked_for(self, store):
        """In a versioned bucket an older version can still be had."""
        store.create_bucket("versioned", versioning="on")
        old = store.put("versioned", "key", b"old", content_type="a/b", deadline_s=1)
        store.put("versioned", "key", b"new", content_type="a/b", deadline_s=1)
        assert store.get(ObjectRef("versioned", "key", old.version_id), max_bytes=3, deadline_s=1)[1] == b"old"
        assert store.get(ObjectRef("versioned", "key"), max_bytes=3, deadline_s=1)[1] == b"new"


class TestDirectoryStore(StoreLaws):
    @pytest.fixture
    def store(self, tmp_path: Path) -> DirectoryStore:
        return DirectoryStore(tmp_path / "root")

    @pytest.fixture
    def bucket(self, store: DirectoryStore) -> str:
        store.create_bucket("documents")
        return "documents"

    @pytest.mark.parametrize("key", ["/etc/passwd", "a//b", "back\\slash", ".pagestream-x", "d/.pagestream-x/y"])
    def test_keys_that_are_no_plain_path_are_refused(self, store, bucket, key):
        """What can't be a path below the bucket is Rejected and touches nothing."""
        with pytest.raises(Rejected):
            store.put(bucket, key, b"", content_type="a/b", deadline_s=1)
        assert store.list_objects(bucket, "", 10) == []

    def test_a_link_leads_nowhere_outside(self, store, bucket, tmp_path):
        """A symbolic link that leaves the bucket is neither read, listed nor written through."""
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "secret").write_text("secret")
        top = tmp_path / "root" / bucket
        (top / "file").symlink_to(tmp_path / "outside" / "secret")
        (top / "folder").symlink_to(tmp_path / "outside")
        for key in ("file", "folder/secret", "folder/new"):
            with pytest.raises(Rejected) as caught:
                store.get(ObjectRef(bucket, key), max_bytes=99, deadline_s=1)
            assert caught.value.code == "object_name_invalid"
            with pytest.raises(Rejected):
                store.put(bucket, key, b"over", content_type="a/b", deadline_s=1)
        assert store.list_objects(bucket, "", 10) == []
        assert [path.name for path in (tmp_path / "outside").iterdir()] == ["secret"]
        assert (tmp_path / "outside" / "secret").read_text() == "secret"

    def test_a_folder_is_no_object_and_a_file_no_folder(self, store, bucket):
        """`a/b` makes `a` a folder: it is no object, nor can it become one."""
        store.put(bucket, "a/b", b"", content_type="a/b", deadline_s=1)
        with pytest.raises(Rejected) as caught:
            store.stat(ObjectRef(bucket, "a"))
        assert caught.value.code == "object_missing"
        for key in ("a", "a/b/c"):
            with pytest.raises(Rejected) as caught:
                store.put(bucket, key, b"", content_type="a/b", deadline_s=1)
            assert caught.value.code == "object_name_invalid"

    @pytest.mark.parametrize("name", ["..", ".", "a/b", "", "nul\0"])
    def test_a_bucket_is_a_folder_in_the_root(self, store, name):
        """Bucket names that are no single folder name are no buckets."""
        with pytest.raises(Environment) as caught:
            store.check_bucket(name)
        assert caught.value.code == "bucket_missing"

    def test_an_unfinished_put_is_never_seen(self, store, bucket, tmp_path, monkeypatch):
        """A put that fails in the middle leaves the old object, and nothing else."""
        store.put(bucket, "key", b"old", content_type="a/b", deadline_s=1)

        def full(self: Path, body: bytes) -> int:
            self.touch()
            raise OSError("disk full")

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(Environment) as caught:
            store.put(bucket, "key", b"new", content_type="a/b", deadline_s=1)
        assert caught.value.code == "store_unavailable"
        monkeypatch.undo()
        assert store.get(ObjectRef(bucket, "key"), max_bytes=9, deadline_s=1)[1] == b"old"
        assert [path.name for path in (tmp_path / "root" / bucket).iterdir()] == ["key"]


@pytest.mark.store
class TestS3Store(StoreLaws):
    @pytest.fixture
    def settings(self, store_address: tuple[str, str, str], tmp_path: Path) -> StoreSettings:
        url, access_key, secret_key = store_address
        (tmp_path / "access-key").write_text(f"{access_key}\n")
        (tmp_path / "secret-key").write_text(f"{secret_key}\n")
        return StoreSettings(url, access_key_file=tmp_path / "access-key", secret_key_file=tmp_path / "secret-key")

    @pytest.fixture
    def store(self, settings: StoreSettings) -> Iterator[S3Store]:
        store = S3Store(settings)
        yield store
        store.close()

    @pytest.fixture
    def owner(self, store_address: tuple[str, str, str]) -> Minio:
        url, access_key, secret_key = store_address
        return Minio(urlsplit(url).netloc, access_key, secret_key, secure=url.startswith("https:"))

    @pytest.fixture
    def bucket(self, owner: Minio) -> Iterator[str]:
        name = unique("bucket")
        owner.make_bucket(name)
        yield name
        for one in owner.list_objects(name, recursive=True, include_version=True):
            owner.remove_object(name, one.object_name or "", version_id=one.version_id)
        owner.remove_bucket(name)

    def test_a_version_stays_what_it_was(self, store, owner, bucket):
        """A version id names its bytes although newer ones, and a removal, came after."""
        owner.set_bucket_versioning(bucket, VersioningConfig(ENABLED))
        old = store.put(bucket, "key", b"old", content_type="a/b", deadline_s=10)
        new = store.put(bucket, "key", b"new", content_type="a/b", deadline_s=10)
        assert old.version_id
        assert store.stat(ObjectRef(bucket, "key")).version_id == new.version_id
        owner.remove_object(bucket, "key")
        ref = ObjectRef(bucket, "key", old.version_id, old.etag)
        assert store.get(ref, max_bytes=3, deadline_s=10)[1] == b"old"
        with pytest.raises(Rejected) as caught:
            store.get(ObjectRef(bucket, "key"), max_bytes=3, deadline_s=10)
        assert caught.value.code == "object_missing"

    def test_a_bucket_of_ones_own(self, store):
        """It is there once made, holds objects until they are removed, and is gone when it is removed, empty."""
        name = unique("own")
        store.create_bucket(name)
        store.put(name, "key", b"x", content_type="a/b", deadline_s=10)
        with pytest.raises(PagestreamError):
            store.remove_bucket(name)
        for _ in range(2):  # what is gone may be removed again
            store.remove(name, "key")
        store.remove_bucket(name)
        with pytest.raises(Environment) as caught:
            store.check_bucket(name)
        assert caught.value.code == "bucket_missing"

    def test_wrong_keys_are_nobodys_fault(self, store, settings, bucket):
        """A wrong secret is `store_forbidden` in every call; the files are read anew, so a new one helps at once."""
        right = settings.secret_key_file.read_text()
        settings.secret_key_file.write_text("wrong-secret-key")
        calls = [
            lambda: store.stat(ObjectRef(bucket, "key")),
            lambda: store.get(ObjectRef(bucket, "key"), max_bytes=9, deadline_s=10),
            lambda: store.put(bucket, "key", b"", content_type="a/b", deadline_s=10),
            lambda: store.list_objects(bucket, "", 9),
            lambda: store.check_bucket(bucket),
        ]
        for call in calls:
            with pytest.raises(Environment) as caught:
                call()
            assert caught.value.code == "store_forbidden"
        settings.secret_key_file.write_text(right)
        store.check_bucket(bucket)

    def test_no_error_tells_a_key_or_a_secret(self, store, settings, bucket):
        """The message of an error is the sentence of its code; keys of objects and secrets stay out, also of notes."""
        with pytest.raises(PagestreamError) as caught:
            store.get(ObjectRef(bucket, "private/patient.pdf"), max_bytes=9, deadline_s=10)
        assert "patient" not in caught.value.message
        assert bucket not in caught.value.message
        assert caught.value.__notes__ == [f"bucket {bucket}, store {settings.endpoint}"]
