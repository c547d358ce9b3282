"""Laws of what may be read."""

from __future__ import annotations

import pytest

from pipeline.core.allow import AllowList
from pipeline.errors import Rejected

ALLOW = AllowList(frozenset({"scans"}), prefixes=("in/", "inbox/"), suffixes=(".pdf", ".TIF"))


@pytest.mark.parametrize("key", ["in/a.pdf", "inbox/b/c.tif", "in/A.PDF", "in/.pdf"])
def test_what_is_inside_is_allowed(key: str) -> None:
    """Bucket, one prefix and one suffix must fit; suffixes in any case."""
    assert ALLOW.check("scans", key) is None


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("out/a.pdf", "outside_prefix"),
        ("In/a.pdf", "outside_prefix"),
        ("in/a.txt", "outside_suffix"),
        ("in/pdf", "outside_suffix"),
    ],
)
def test_what_is_outside_is_passed_over(key: str, reason: str) -> None:
    """Keys outside are none of our business; prefixes are compared as they are."""
    assert ALLOW.check("scans", key) == reason


def test_another_bucket_is_refused() -> None:
    """A bucket not listed is refused aloud, whatever the key."""
    with pytest.raises(Rejected) as refused:
        ALLOW.check("secrets", "in/a.pdf")
    assert refused.value.code == "bucket_not_allowed"


def test_without_prefixes_and_suffixes_every_key_is_allowed() -> None:
    """Empty lists allow everything in the buckets named."""
    assert AllowList(frozenset({"scans"})).check("scans", "anything") is None
