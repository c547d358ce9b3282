"""What upstream asks for: `DocumentSubmitted`, one object to read and how.

Unknown fields are tolerated, unknown options are refused: an option that is silently ignored gives a wrong result.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, Strict

from schemas.fields import Count, Message, SchemaVersion
from schemas.page_ranges import HIGHEST, MOST_RANGES, canonical_ranges, in_ranges

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ETAG = re.compile(r'(?:W/)?"(.*)"', re.DOTALL)

KEY_BYTES = 1024
"""S3's limit on an object key, in bytes of UTF-8."""

METADATA_PAIRS = 64
"""Metadata is echoed in every completion: S3's 2 KB of user metadata fits many times, a completion stays small."""


def safe_key(key: str) -> str:
    """`key` as it is. Refused: over S3's length, control characters, and segments that an HTTP client may resolve
    away (`.` and `..`), which would lead past a prefix allow-list."""
    if len(key.encode()) > KEY_BYTES:
        raise ValueError("longer than an object key may be")
    if _CONTROL.search(key) or not {".", ".."}.isdisjoint(key.split("/")):
        raise ValueError("not a usable object key")
    return key


def bare_etag(etag: Any) -> Any:
    """The entity tag without its quotes; None for an empty one. Other types are left for validation to refuse."""
    if not isinstance(etag, str):
        return etag
    quoted = _ETAG.fullmatch(etag)
    return (quoted[1] if quoted else etag) or None


def real_version(version_id: Any) -> Any:
    """The version id; None for the spellings of "no version" ("" and "null")."""
    return None if version_id in ("", "null") else version_id


Bucket = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$")]
Key = Annotated[str, Field(min_length=1, max_length=KEY_BYTES), AfterValidator(safe_key)]
ShortText = Annotated[str, Field(max_length=1024)]
Reference = ShortText
Metadata = Annotated[dict[Annotated[str, Field(max_length=128)], ShortText], Field(max_length=METADATA_PAIRS)]
_PageRanges = Annotated[str, Field(pattern=r"^[0-9, -]+$")]
_PageNumbers = Annotated[list[Annotated[int, Field(ge=1, le=HIGHEST)]], Field(min_length=1, max_length=MOST_RANGES)]
Pages = Annotated[str, BeforeValidator(canonical_ranges, json_schema_input_type=_PageRanges | _PageNumbers)]


class Options(Message):
    """How to read a document. What is null takes the service's default."""

    model_config = ConfigDict(extra="forbid")

    pages: Pages | None = Field(
        default=None,
        description='Page numbers from 1, as ranges such as "1-3,7" or as a list of numbers; null for all pages.',
    )
    dpi: Annotated[int, Strict()] | None = Field(
        default=None, ge=72, le=600, description="Resolution to render pages at, in pixels per inch, 72 to 600."
    )
    tables: Annotated[bool, Strict()] | None = Field(
        default=None, description="Whether to look for layout and tables; without them pages have lines."
    )
    correct: Annotated[bool, Strict()] | None = Field(
        default=None,
        description="Whether lines are corrected by their page: spelling, amounts; false leaves text as read.",
    )
    password_secret: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")] | None = Field(
        default=None, description="Name of a mounted secret that holds the document's password; never a password."
    )

    def selects(self, number: int) -> bool:
        """Whether page `number` (from 1) is asked for."""
        return self.pages is None or in_ranges(self.pages, number)

    def effective(self, *, dpi: int, tables: bool, correct: bool) -> Options:
        """These options with the service's defaults filled in: what `result_id` is made of."""
        return Options(
            pages=self.pages,
            dpi=dpi if self.dpi is None else self.dpi,
            tables=tables if self.tables is None else self.tables,
            correct=correct if self.correct is None else self.correct,
            password_secret=self.password_secret,
        )


class DocumentSubmitted(Message):
    """One document to read."""

    schema_version: SchemaVersion = Field(description="Version of this message, major.minor.")
    bucket: Bucket = Field(description="Bucket of the object.")
    key: Key = Field(description="Object key, not percent-encoded, at most 1024 bytes of UTF-8.")
    version_id: Annotated[str | None, BeforeValidator(real_version)] = Field(
        default=None, max_length=1024, description='Version to read; "" and "null" count as none.'
    )
    etag: Annotated[str | None, BeforeValidator(bare_etag)] = Field(
        default=None, max_length=1024, description="Entity tag to read, with or without quotes."
    )
    content_type: str | None = Field(default=None, max_length=255, description="Media type as the sender knows it.")
    size: Annotated[Count, Strict()] | None = Field(default=None, description="Length of the object, in bytes.")
    options: Options = Field(default_factory=Options, description="How to read it.")
    metadata: Metadata = Field(
        default_factory=dict, description="The caller's own pairs, echoed: 64 at most, names 128 and values 1024 long."
    )
    reference: Reference | None = Field(default=None, description="The caller's own reference, echoed.")
