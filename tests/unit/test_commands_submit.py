"""`pagestream submit`: which objects are named, that none is without its event, and whose outcomes are awaited."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from connectors.errors import failure
from connectors.memory_store import MemoryStore
from pipeline.__main__ import app
from pipeline.commands import sending, submit
from schemas.failures import Origin, dead_letter_headers
from schemas.ids import document_id
from schemas.objects import ObjectInfo
from schemas.record import OutRecord, Partition, Record
from tests.worker import notification

EMPTY: list[Record] = []


class Store(MemoryStore):
    """One that fails for chosen keys, and can be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.create_bucket("documents")
        self.refused: dict[str, str] = {}

    def put(self, bucket: str, key: str, body: bytes, *, content_type: str, deadline_s: float) -> ObjectInfo:
        if key in self.refused:
            raise failure(self.refused[key], "store")
        return super().put(bucket, key, body, content_type=content_type, deadline_s=deadline_s)

    def keys(self) -> list[str]:
        return [info.key for info in self.list_objects("documents", "", 100_000)]

    def close(self) -> None: ...


class Site:
    """A store, what was sent, and what a worker would answer to it."""

    def __init__(self) -> None:
        self.store = Store()
        self.sent: list[OutRecord] = []
        self.refuses: str | None = None
        self.answers: Callable[[Site], list[Record]] = lambda site: EMPTY

    def keys_sent(self) -> list[str]:
        return [orjson.loads(record.value or b"")["key"] for record in self.sent]

    def write(self, records: Sequence[OutRecord], *, timeout_s: float) -> None:
        if self.refuses is not None:
            raise failure(self.refuses, "submit")
        self.sent += records

    def follow(self, deadline_s: float) -> Iterator[Record]:
        return iter(self.answers(self))

    def close(self) -> None: ...


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    found = Site()

    def made(*_: object, **__: Any) -> Site:
        return found

    monkeypatch.setattr(submit, "S3Store", lambda settings: found.store)
    monkeypatch.setattr(submit, "KafkaReader", made)
    monkeypatch.setattr(sending, "KafkaWriter", made)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.pdf", "sub/a.pdf", "sub/[draft] b[/b].pdf", "sub/.hidden"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "in"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["submit", *map(str, arguments)], catch_exceptions=False)


def dead(value: bytes, *, ident: str | None = None) -> Record:
    origin = Origin("pagestream.documents", 0, 1)
    headers = dead_letter_headers(
        (), origin, code="corrupt_pdf", stage="decode", message="Mend [it].", attempts=1, document_id=ident
    )
    return Record(Partition("pagestream.dead-letter", 0), 0, None, value, headers)


def test_files_of_a_folder_keep_their_place(site, folder):
    """Keys are the prefix, as it is, and the path below the folder; each has one event, and all are shown."""
    ended = run(folder, "--prefix", "mine")
    wanted = ["minea.pdf", "minesub/a.pdf", "minesub/[draft] b[/b].pdf"]
    assert ended.exit_code == 0
    assert sorted(site.store.keys()) == sorted(site.keys_sent()) == sorted(wanted)
    assert ended.stdout.splitlines() == [*(f"documents/{key}" for key in wanted), "3 documents submitted."]


def test_one_document_is_one_document(site, folder):
    """The plural is for more than one."""
    assert "1 document submitted." in run(folder / "a.pdf").stdout


def test_two_files_never_share_a_key(site, folder):
    """They are refused before anything is uploaded."""
    ended = run(folder / "a.pdf", folder / "sub/a.pdf")
    assert ended.exit_code == 2
    assert (site.store.keys(), site.sent) == ([], [])


@pytest.mark.parametrize("name", ["new\nline.pdf", "latin-\udce9.pdf"])
def test_a_name_that_is_no_key_is_refused(site, folder, name):
    """With the name, escaped, and before anything is uploaded."""
    (folder / name).write_text("x")
    ended = run(folder)
    assert ended.exit_code == 2
    assert ascii(name)[1:7] in ended.stderr
    assert (site.store.keys(), site.sent) == ([], [])


def test_a_file_that_is_too_large_is_refused(site, folder, monkeypatch):
    """Before anything is uploaded."""
    monkeypatch.setenv("PAGESTREAM_STORE__MAX_OBJECT_BYTES", "10")
    assert run(folder).exit_code == 2
    assert site.store.keys() == []


@pytest.mark.parametrize(("code", "sent"), [("object_name_invalid", 2), ("store_timeout", 2), ("store_unavailable", 1)])
def test_what_was_uploaded_has_its_event_whatever_fails_after(site, folder, code, sent):
    """A file's own failure stops nobody, the store's stops the uploads; both are told, and the exit code shows them."""
    site.store.refused["sub/a.pdf"] = code
    ended = run(folder)
    assert sorted(site.keys_sent()) == site.store.keys()
    assert len(site.sent) == sent
    assert ended.exit_code == (3 if code == "store_unavailable" else 1)
    assert f"not uploaded, {code}: " in ended.stderr
    assert f"{folder}/sub/a.pdf\n" in ended.stderr


def test_objects_without_an_event_are_told(site, folder):
    """Where the topic is missing: what lies in the store, how to send its events, and how to make topics."""
    site.refuses = "topic_missing"
    ended = run(folder, "--prefix", "my files/")
    assert ended.exit_code == 3
    assert "pagestream submit --bucket documents --prefix 'my files/'" in ended.stderr
    assert "`pagestream topics create`" in ended.stderr


def test_a_missing_bucket_is_told_with_its_option(site, folder):
    """The sentence names --bucket."""
    ended = run(folder, "--bucket", "elsewhere")
    assert (ended.exit_code, site.sent) == (3, [])
    assert "--bucket" in ended.stderr


@pytest.mark.parametrize("arguments", [[], ["--no-events"], ["--bucket", "documents"], ["in/sub", "--json"]])
def test_nothing_to_submit_is_wrong_use(site, folder, arguments, monkeypatch):
    """No files and no bucket, a bucket with no such object, outcomes that nobody waits for: exit code 2."""
    monkeypatch.chdir(folder.parent)
    assert run(*arguments).exit_code == 2
    assert site.sent == []


def test_an_empty_folder_is_wrong_use(site, tmp_path):
    """Nothing to upload is not a success."""
    assert run(tmp_path).exit_code == 2


def test_objects_that_are_there_are_submitted(site):
    """One event each, none for what marks a folder."""
    for key, body in (("x/", b""), ("x/a.pdf", b"a"), ("y.pdf", b"y")):
        site.store.put("documents", key, body, content_type="", deadline_s=1)
    assert run("--bucket", "documents", "--prefix", "x").exit_code == 0
    assert site.keys_sent() == ["x/a.pdf"]


def test_more_objects_than_are_listed_are_refused(site, monkeypatch):
    """Not the first so many, but none, and what to do."""
    monkeypatch.setattr(submit, "MOST_LISTED", 2)
    for number in range(3):
        site.store.put("documents", f"{number}.pdf", b"x", content_type="", deadline_s=1)
    ended = run("--bucket", "documents")
    assert (ended.exit_code, site.sent) == (2, [])
    assert "--prefix" in ended.stderr


def test_outcomes_of_our_events_are_known_by_reference(site, folder):
    """Others' outcomes are passed over; a dead one is shown with what to do, and the exit code is 1."""
    site.answers = lambda site: [dead(notification("a.pdf")), *(dead(record.value or b"") for record in site.sent)]
    ended = run(folder, "--wait")
    assert ended.exit_code == 1
    assert ended.stdout.count("what to do: Mend [it].\n") == 3
    assert "document: documents/sub/[draft] b[/b].pdf\n" in ended.stdout
    assert "3 of 3 outcomes" in ended.stderr


def test_outcomes_of_the_store_s_own_events_are_known_by_document(site, folder):
    """With --no-events nothing is sent; the outcome is found by document_id, or by key where it has none."""

    def answers(site: Site) -> list[Record]:
        first, second, third = site.store.list_objects("documents", "", 3)
        return [
            dead(notification("elsewhere"), ident=document_id("documents", first.key, etag=first.etag)),
            dead(notification(second.key)),
            dead(notification(third.key), ident=document_id("documents", third.key, etag="of another upload")),
        ]

    site.answers = answers
    ended = run(folder, "--wait", "--no-events", "--json")
    assert (ended.exit_code, site.sent) == (1, [])
    said = [orjson.loads(line) for line in ended.stdout.splitlines()]
    assert [line["status"] for line in said] == ["dead", None, "dead"]
    assert said[1] == {"status": None, "bucket": "documents", "key": "sub/a.pdf"}


def test_no_outcome_at_all_asks_for_a_worker(site, folder):
    """The exit code is 1, and the command that starts a worker is named."""
    ended = run(folder, "--wait")
    assert ended.exit_code == 1
    assert "pagestream run" in ended.stderr
    assert ended.stdout.count("outcome: no outcome yet") == 3
