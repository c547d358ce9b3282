"""What one record asks for, document by document.

Messages name fields of ours, never a value or a name that came with the event: they end up in logs and headers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from schemas.events import DocumentSubmitted, Options

RefusalCode = Literal[
    "tombstone",
    "not_json",
    "unknown_schema",
    "invalid_event",
    "invalid_options",
    "key_not_allowed",
    "too_many_documents",
]
NoDocumentReason = Literal["test_event", "removal", "folder_marker", "other_event", "empty_notification"]


UNSAFE_KEY = (
    "Rename the object: its key is missing, empty, too long, or holds '.' or '..' segments or control characters."
)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A document to read."""

    index: int
    event: DocumentSubmitted


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that can't be understood now or ever: to the dead letters."""

    index: int
    code: RefusalCode
    message: str


@dataclass(frozen=True, slots=True)
class NoDocument:
    """An entry that names no document and never meant to: settled silently, counted by reason."""

    index: int
    reason: NoDocumentReason


Entry = Submitted | Refused | NoDocument


@dataclass(frozen=True, slots=True)
class Inbound:
    """All entries of one record, by ascending index from 0; never empty."""

    documents: tuple[Entry, ...]


def submitted(index: int, fields: dict[str, Any]) -> Submitted | Refused:
    """`fields` as a document, or why not. Raises UnknownSchemaVersion."""
    try:
        return Submitted(index, DocumentSubmitted.model_validate(fields))
    except ValidationError as error:
        return _refused(index, error)


def _refused(index: int, error: ValidationError) -> Refused:
    where = [problem["loc"] for problem in error.errors(include_url=False, include_context=False, include_input=False)]
    names = ", ".join(sorted({_own_name(loc) for loc in where}))
    if all(loc[0] == "options" for loc in where):
        return Refused(index, "invalid_options", f"Correct or leave out these options of the event: {names}.")
    if names == "key":
        return Refused(index, "key_not_allowed", UNSAFE_KEY)
    return Refused(index, "invalid_event", f"Correct these fields of the event, missing or not as specified: {names}.")


def _own_name(loc: tuple[int | str, ...]) -> str:
    if loc[0] != "options" or len(loc) == 1:
        return str(loc[0])
    return f"options.{loc[1]}" if loc[1] in Options.model_fields else "options (one that is not known)"
