"""What every object store of ours promises, written once; `test_stores.py` says over which stores."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pytest

from pipeline.errors import Environment, PagestreamError, Rejected
from schemas.objects import ObjectInfo, ObjectRef

KEY = "inbox/invoice 1 é+%20.pdf"
PDF = "application/pdf"
BODY = b"%PDF-1.7 not really"


class Store(Protocol):
    def stat(self, ref: ObjectRef) -> ObjectInfo: ...
    def get(self, ref: ObjectRef, *, max_bytes: int, deadline_s: float) -> tuple[ObjectInfo, bytes]: ...
    def put(self, bucket: str, key: str, body: bytes, *, content_type: str, deadline_s: float) -> ObjectInfo: ...
    def list_objects(self, bucket: str, prefix: str, limit: int) -> list[ObjectInfo]: ...
    def check_bucket(self, bucket: str) -> None: ...
    def close(self) -> None: ...


class StoreLaws:
    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError

    @pytest.fixture
    def bucket(self) -> str:
        """An empty bucket in that store."""
        raise NotImplementedError

    @pytest.mark.parametrize("body", [BODY, b"", bytes(range(256)) * 40_000], ids=["small", "empty", "10 MB"])
    def test_what_is_put_is_what_is_got(self, store, bucket, body):
        """Bytes, size, type and the MD5 as etag survive, and `put`, `stat` and `get` describe the object alike."""
        put = store.put(bucket, KEY, body, content_type=PDF, deadline_s=20)
        got, found = store.get(ObjectRef(bucket, KEY), max_bytes=len(body), deadline_s=20)
        assert found == body
        assert got == put == store.stat(ObjectRef(bucket, KEY))
        assert got == ObjectInfo(bucket, KEY, got.version_id, hashlib.md5(body).hexdigest(), len(body), PDF)

    def test_a_put_replaces(self, store, bucket):
        """The last put wins, whole."""
        store.put(bucket, KEY, BODY * 2, content_type=PDF, deadline_s=10)
        store.put(bucket, KEY, BODY, content_type=PDF, deadline_s=10)
        assert store.get(ObjectRef(bucket, KEY), max_bytes=1_000, deadline_s=10)[1] == BODY

    def test_an_object_must_be_the_one_meant(self, store, bucket):
        """With an etag that no longer holds, `stat` and `get` say that the object has changed."""
        old = store.put(bucket, KEY, b"old", content_type=PDF, deadline_s=10)
        new = store.put(bucket, KEY, b"new", content_type=PDF, deadline_s=10)
        assert store.get(ObjectRef(bucket, KEY, None, new.etag), max_bytes=3, deadline_s=10)[1] == b"new"
        assert store.stat(ObjectRef(bucket, KEY, None, new.etag)).etag == new.etag
        ref = ObjectRef(bucket, KEY, None, old.etag)
        assert _refusal(lambda: store.get(ref, max_bytes=3, deadline_s=10)) == (Rejected, "object_changed")
        assert _refusal(lambda: store.stat(ref)) == (Rejected, "object_changed")

    def test_the_limit_is_exact(self, store, bucket):
        """An object of as many bytes as allowed comes; one byte more is refused."""
        store.put(bucket, KEY, BODY, content_type=PDF, deadline_s=10)
        ref = ObjectRef(bucket, KEY)
        assert store.get(ref, max_bytes=len(BODY), deadline_s=10)[1] == BODY
        too_large = _refusal(lambda: store.get(ref, max_bytes=len(BODY) - 1, deadline_s=10))
        assert too_large == (Rejected, "object_too_large")

    def test_a_missing_object_is_the_documents_fault(self, store, bucket):
        """A missing object, or version of one, is Rejected."""
        store.put(bucket, KEY, BODY, content_type=PDF, deadline_s=10)
        unknown = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
        for ref in (ObjectRef(bucket, "none"), ObjectRef(bucket, KEY, unknown), ObjectRef(bucket, KEY, "not an id")):
            assert _refusal(lambda ref=ref: store.stat(ref)) == (Rejected, "object_missing")
            missing = _refusal(lambda ref=ref: store.get(ref, max_bytes=9, deadline_s=10))
            assert missing == (Rejected, "object_missing")

    def test_a_missing_bucket_is_nobodys_fault(self, store, bucket):
        """A missing bucket is Environment in every call, also in `stat`."""
        other = f"{bucket}-none"
        calls = [
            lambda: store.stat(ObjectRef(other, KEY)),
            lambda: store.get(ObjectRef(other, KEY), max_bytes=9, deadline_s=10),
            lambda: store.put(other, KEY, BODY, content_type=PDF, deadline_s=10),
            lambda: store.list_objects(other, "", 10),
            lambda: store.check_bucket(other),
        ]
        assert [_refusal(call) for call in calls] == [(Environment, "bucket_missing")] * 5
        store.check_bucket(bucket)

    def test_a_missing_bucket_is_named_beside_the_message(self, store, bucket):
        """A note of the error names the bucket and not the key; the message is the same for all buckets."""
        other = f"{bucket}-none"
        messages = set()
        for name in (other, f"{other}-either"):
            with pytest.raises(Environment) as caught:
                store.get(ObjectRef(name, KEY), max_bytes=9, deadline_s=10)
            [place] = caught.value.__notes__
            assert name in place.replace(",", "").split()
            assert KEY not in place
            messages.add(caught.value.message)
        assert len(messages) == 1

    @pytest.mark.parametrize("key", ["", "..", "../up", "a/../b", "a/./b", "nul\0", "long" * 257, "lone\ud800"])
    def test_a_bad_name_reaches_no_store(self, store, bucket, key):
        """Names that climb, end early, or are too long are Rejected in every call."""
        calls = [
            lambda: store.stat(ObjectRef(bucket, key)),
            lambda: store.get(ObjectRef(bucket, key), max_bytes=9, deadline_s=10),
            lambda: store.put(bucket, key, BODY, content_type=PDF, deadline_s=10),
        ]
        assert [_refusal(call) for call in calls] == [(Rejected, "object_name_invalid")] * 3

    def test_a_list_is_ordered_and_bounded(self, store, bucket):
        """Objects under the prefix only, by key, no more than asked for, with size and etag."""
        for name in ("b/2", "a/1", "b/1", "b/10", "c"):
            store.put(bucket, name, name.encode(), content_type=PDF, deadline_s=10)
        assert [info.key for info in store.list_objects(bucket, "", 10)] == ["a/1", "b/1", "b/10", "b/2", "c"]
        listed = store.list_objects(bucket, "b/", 2)
        assert [(info.bucket, info.key, info.size) for info in listed] == [(bucket, "b/1", 3), (bucket, "b/10", 4)]
        assert listed[0].etag == hashlib.md5(b"b/1").hexdigest()
        assert store.list_objects(bucket, "none/", 10) == []

    def test_threads_may_share_it(self, store, bucket):
        """Many threads at once each get their own object, whole."""
        bodies = {f"key-{number}": bytes([number]) * 200_000 for number in range(40)}

        def put_and_get(key: str) -> bytes:
            store.put(bucket, key, bodies[key], content_type=PDF, deadline_s=30)
            return store.get(ObjectRef(bucket, key), max_bytes=200_000, deadline_s=30)[1]

        with ThreadPoolExecutor(24) as pool:
            assert dict(zip(bodies, pool.map(put_and_get, bodies), strict=True)) == bodies


def _refusal(call) -> tuple[type[PagestreamError], str]:
    with pytest.raises(PagestreamError) as caught:
        call()
    return type(caught.value), caught.value.code
