"""Which object keys every store of ours takes: what S3 takes, less what could climb out of a folder."""

from __future__ import annotations

from typing import Final

from connectors.errors import failure

MAX_KEY_BYTES: Final = 1024
"""Amazon S3's own limit, in UTF-8."""


def check_name(key: str, stage: str) -> None:
    """Raises `object_name_invalid`. minio-py refuses `.` and `..` segments as well; a NUL ends a name in C."""
    try:
        encoded = key.encode()
    except UnicodeEncodeError as error:
        raise failure("object_name_invalid", stage) from error
    if not 0 < len(encoded) <= MAX_KEY_BYTES or "\0" in key or {".", ".."} & set(key.split("/")):
        raise failure("object_name_invalid", stage)
