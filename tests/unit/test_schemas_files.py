"""The committed JSON Schemas and examples say what the code does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas import codec, ids
from schemas.entries import NoDocument, Submitted
from schemas.fields import Message
from schemas.inbound import read_event
from schemas.results import DocumentResult

FOLDER = Path(codec.__file__).parent
EXAMPLES = FOLDER / "examples"
MODELS: dict[str, type[Message]] = {model.__name__: model for model in codec.READ_BY_US + codec.WRITTEN_BY_US}
ABOUT_MODELS = sorted(path.name for path in EXAMPLES.glob("Document*.json")) + sorted(
    path.name for path in EXAMPLES.glob("Page*.json")
)

KEY = "2026/invoices/A 17+b.pdf"
INBOUND: dict[str, list[str]] = {
    "DocumentSubmitted.json": [KEY],
    "DocumentSubmitted-minimal.json": ["letter.png"],
    "minio.json": [KEY],
    "aws-two-records.json": [KEY, "2026/größe.tiff"],
    "aws-test-event.json": ["test_event"],
    "ceph.json": [KEY],
    "removal.json": ["removal"],
    "folder-marker.json": ["folder_marker"],
    "cloudevents-structured.json": [KEY],
    "cloudevents-structured-base64.json": [KEY],
    "cloudevents-one-record.json": [KEY],
    "cloudevents-binary.json": [KEY],
}


def schema(model: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / "json" / f"{model}.schema.json").read_bytes())
    return loaded


def properties(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every (name, property) anywhere in a JSON Schema."""
    for part in (node, *node.get("$defs", {}).values()):
        yield from part.get("properties", {}).items()


def test_committed_schemas_are_what_the_code_exports(tmp_path: Path) -> None:
    """A change to a message shows in the JSON Schema that people build on (`pagestream schemas export`)."""
    exported = {path.name: path.read_bytes() for path in codec.export(tmp_path)}
    assert exported == {path.name: path.read_bytes() for path in (FOLDER / "json").iterdir()}


@pytest.mark.parametrize("model", MODELS)
def test_every_field_is_described(model: str) -> None:
    """The schema is valid, and nobody has to guess what a field means."""
    Draft202012Validator.check_schema(schema(model))
    assert [name for name, field in properties(schema(model)) if not field.get("description")] == []


@pytest.mark.parametrize("name", ABOUT_MODELS)
def test_an_example_of_a_message_is_one(name: str) -> None:
    """It validates against the committed schema, and the code reads it."""
    model = name.removesuffix(".json").partition("-")[0]
    data = (EXAMPLES / name).read_bytes()
    Draft202012Validator(schema(model)).validate(json.loads(data))
    message = codec.decode(MODELS[model], data)
    Draft202012Validator(schema(model)).validate(json.loads(codec.encode(message)))


@pytest.mark.parametrize("name", [name for name in ABOUT_MODELS if not name.startswith("DocumentSubmitted")])
def test_an_example_shows_every_field(name: str) -> None:
    """What we write keeps nulls: encoding an example again gives the example."""
    data = (EXAMPLES / name).read_bytes()
    model = MODELS[name.removesuffix(".json").partition("-")[0]]
    assert json.loads(codec.encode(codec.decode(model, data))) == json.loads(data)


def test_every_message_has_an_example() -> None:
    """No message crosses a topic without one."""
    assert {name.removesuffix(".json").partition("-")[0] for name in ABOUT_MODELS} == MODELS.keys()


def test_example_ids_can_be_computed() -> None:
    """The ids in the example follow from what the example itself says."""
    result = codec.decode(DocumentResult, (EXAMPLES / "DocumentResult.json").read_bytes())
    source = result.source
    assert ids.document_id(source.bucket, source.key, etag=source.etag) == result.document_id
    assert ids.result_id(result.document_id, result.options, result.pipeline.fingerprint) == result.result_id


@pytest.mark.parametrize("name", INBOUND)
def test_an_inbound_example_names_its_documents(name: str) -> None:
    """Every accepted form is read: keys of documents, or the reason why there is none."""
    with_headers = EXAMPLES / name.replace(".json", ".headers.json")
    named = json.loads(with_headers.read_bytes()) if with_headers.exists() else {}
    headers = tuple((name, value.encode()) for name, value in named.items())
    found = []
    for entry in read_event((EXAMPLES / name).read_bytes(), headers).documents:
        assert isinstance(entry, (Submitted, NoDocument))
        found.append(entry.event.key if isinstance(entry, Submitted) else entry.reason)
    assert found == INBOUND[name]


def test_every_example_is_tested() -> None:
    """An example that no test reads may be wrong."""
    names = {path.name for path in EXAMPLES.iterdir() if not path.name.endswith(".headers.json")}
    assert names == set(ABOUT_MODELS) | INBOUND.keys()
