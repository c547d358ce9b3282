"""Messages to bytes and back, and the JSON Schemas that describe them.

Bytes are deterministic: fields in the order of the model, nulls kept, no spaces. So a consumer sees every field, and
equal messages are equal bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

import orjson
from pydantic import ValidationError

from schemas import cloudevents, failures
from schemas.events import DocumentSubmitted
from schemas.fields import Message
from schemas.problems import Malformed
from schemas.results import DocumentCompleted, DocumentResult, PageResult

M = TypeVar("M", bound=Message)

READ_BY_US: tuple[type[Message], ...] = (DocumentSubmitted,)
WRITTEN_BY_US: tuple[type[Message], ...] = (PageResult, DocumentCompleted, DocumentResult)

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def encode(message: Message) -> bytes:
    """`message` as JSON."""
    return orjson.dumps(message.model_dump())


def decode(model: type[M], data: bytes) -> M:
    """`data` as a message. Raises Malformed, which repeats none of it, and UnknownSchemaVersion."""
    try:
        return model.model_validate_json(data)
    except ValidationError:
        raise Malformed(f"The bytes are no {model.__name__}: compare them with its JSON Schema.") from None


def json_schemas() -> dict[str, bytes]:
    """File name to content, for every message that crosses a topic or lies in a bucket."""
    documents = {f"{model.__name__}.schema.json": _schema(model, "validation") for model in READ_BY_US}
    documents |= {f"{model.__name__}.schema.json": _schema(model, "serialization") for model in WRITTEN_BY_US}
    pretty = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return {name: orjson.dumps(schema, option=pretty) for name, schema in documents.items()}


def export(folder: Path) -> list[Path]:
    """Writes the JSON Schemas and the page on headers into `folder`, and says which files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in {**json_schemas(), "headers.md": headers_page()}.items():
        path = folder / name
        path.write_bytes(content)
        written.append(path)
    return written


def headers_page() -> bytes:
    """What every header of ours means, as Markdown."""
    parts = ["# Record headers\n\nValues are UTF-8. Numbers are decimal digits.\n"]
    for title, meanings in (
        ("Pages and results (CloudEvents 1.0, binary mode)", cloudevents.MEANING),
        ("Retry topics, appended to the original's own", failures.RETRY),
        ("Dead letters, appended to the original's own", failures.DEAD_LETTER),
    ):
        rows = [f"| `{name}` | {meaning} |" for name, meaning in meanings.items()]
        parts.append("\n".join([f"\n## {title}\n", "| header | meaning |", "| --- | --- |", *rows, ""]))
    return "".join(parts).encode()


def _schema(model: type[Message], mode: Literal["validation", "serialization"]) -> dict[str, Any]:
    return {"$schema": _DIALECT, **model.model_json_schema(mode=mode)}
