"""`pagestream ocr`: local files through the whole flow, and what its user gets to see."""

from __future__ import annotations

import difflib
import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from io import BytesIO, StringIO
from pathlib import Path

import orjson
import pytest
from pypdf import PdfReader, PdfWriter
from rich.console import Console
from typer.testing import CliRunner

from connectors.memory_store import MemoryStore
from pipeline.__main__ import app
from pipeline.app import load_engines
from pipeline.commands.files import chosen_files
from pipeline.commands.reading import Report, read_into
from pipeline.engines.fake import Fault, Table, mark
from pipeline.local_worker import DOCUMENTS, RESULTS, LocalWorker, all_topics, local_settings
from pipeline.samples.collection import gauge_report, readable
from schemas.codec import decode, encode
from schemas.events import Options
from schemas.results import DocumentResult
from tests.worker import pages, picture, submitted

PATIENCE_S = 60.0


def command(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", "ocr", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**os.environ, **environment},
        check=False,
    )


def read(folder: Path, *, options: Options | None = None) -> tuple[Report, dict[str, bytes]]:
    """What the fake engine reads in a folder: the report, and the results by name."""
    out = folder.parent / "out"
    settings = local_settings(engine={"name": "fake", "lanes": 2})
    files = chosen_files([folder], out=out).files
    report = read_into(out, files, settings=settings, options=options or Options(), console=Console(file=StringIO()))
    return report, {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.json")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def test_each_file_has_its_result(folder):
    """Every file that can be read has one result, of its own bytes, encoded as the service encodes it."""
    (folder / "sub").mkdir()
    bodies = {f"{place}{n}.png": picture(f"page {place}{n}") for place in ("", "sub/") for n in range(5)}
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
    report, results = read(folder)
    assert (report.documents, report.failed, report.pages, report.troubles) == (10, 0, 10, [])
    assert results.keys() == {f"{name}.json" for name in bodies}
    for name, body in bodies.items():
        result = decode(DocumentResult, results[f"{name}.json"])
        assert encode(result) == results[f"{name}.json"]
        assert (result.source.key, result.source.sha256) == (name, hashlib.sha256(body).hexdigest())
        assert result.pages[0].text == f"page {name.removesuffix('.png')}"


def test_a_broken_file_stops_nobody(folder):
    """What can't be read is told with its code, the rest is read."""
    (folder / "a.txt").write_text("no picture")
    (folder / "b.png").write_bytes(b"")
    (folder / "c.png").write_bytes(picture("fine"))
    (folder / "d.png").write_bytes(picture("cut short")[:100])
    report, results = read(folder)
    assert results.keys() == {"c.png.json"}
    assert {(trouble.key, trouble.page, trouble.code) for trouble in report.troubles} == {
        ("a.txt", None, "unsupported_format"),
        ("b.png", None, "empty_file"),
        ("d.png", None, "corrupt_image"),
    }
    assert (report.documents, report.failed) == (1, 3)


def test_more_broken_files_than_a_breaker_takes_stop_nobody(folder, monkeypatch):
    """The limits that guard a topic against a bad release do not hold for files chosen by hand."""
    monkeypatch.setenv("PAGESTREAM_FLOW__BREAKER_RUN", "3")
    for number in range(20):
        (folder / f"{number:02}.txt").write_text("no picture")
    (folder / "last.png").write_bytes(picture("fine"))
    report, results = read(folder)
    assert (report.failed, list(results)) == (20, ["last.png.json"])


def test_a_failed_page_is_told_and_the_others_are_written(folder):
    """A document of which one page failed is partial: its result is there, and that page is listed."""
    (folder / "three.tif").write_bytes(pages(["one"], [mark(Fault.REJECTED)], ["three"]))
    report, results = read(folder)
    assert decode(DocumentResult, results["three.tif.json"]).status == "partial"
    assert [(trouble.key, trouble.page) for trouble in report.troubles] == [("three.tif", 2)]
    assert (report.documents, report.failed) == (1, 0)


def test_only_the_pages_asked_for_are_read(folder):
    """Pages that were not asked for are skipped, and not counted as read."""
    (folder / "three.tif").write_bytes(pages(["one"], ["two"], ["three"]))
    report, results = read(folder, options=Options(pages="2"))
    result = decode(DocumentResult, results["three.tif.json"])
    assert [page.status for page in result.pages] == ["skipped", "ok", "skipped"]
    assert report.pages == 1


def test_results_leave_memory_once_written(folder, monkeypatch):
    """What lies in --out is held nowhere else."""
    stores: list[MemoryStore] = []

    def remembered() -> MemoryStore:
        stores.append(MemoryStore())
        return stores[-1]

    monkeypatch.setattr("pipeline.commands.reading.MemoryStore", remembered)
    for number in range(3):
        (folder / f"{number}.png").write_bytes(picture("page"))
    assert len(read(folder)[1]) == 3
    assert [store.list_objects(RESULTS, "", 10) for store in stores] == [[]]


def test_memory_holds_nothing_of_what_is_done():
    """After a trim the topics are empty, however many documents went through them."""
    settings = local_settings(engine={"name": "fake", "lanes": 1})
    store = MemoryStore()
    for bucket in (DOCUMENTS, RESULTS):
        store.create_bucket(bucket)
    store.put(DOCUMENTS, "a.png", picture("a"), content_type="image/png", deadline_s=1)
    with LocalWorker(settings, store=store, engines=load_engines(settings)) as worker:
        for value in [submitted("a.png"), b"not json"] * 5:
            worker.submit(value)
        until, ended = time.monotonic() + PATIENCE_S, 0
        while ended < 10 and time.monotonic() < until:
            ended += len(worker.settled(1.0))
        worker.trim()
        left = {topic: worker.cluster.records(topic) for topic in all_topics(worker.topics)}
    assert ended == 10
    assert set(map(len, left.values())) == {0}


def test_what_a_user_sees(folder, tmp_path):
    """Exit code 1 when something failed; the summary on stdout, progress and the list of failures on stderr."""
    (folder / "good.png").write_bytes(picture("good"))
    (folder / "bad.png").write_bytes(b"no picture")
    ended = command(folder, "--out", tmp_path / "out", "--engine", "fake", "--lanes", "1")
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.startswith("read 1 document, 1 failed: 1 page in ")
    assert "2/2 documents" in ended.stderr
    assert "unsupported_format" in ended.stderr
    assert "bad.png" in ended.stderr
    assert "good.png" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_names_with_brackets_are_kept(folder, tmp_path):
    """The list of failures shows a name as it is, whatever looks like markup in it."""
    names = ["[draft].pdf", "a[red]b.pdf", "c[/c].pdf"]
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"no document")
    ended = command(folder, "--out", tmp_path / "out", "--engine", "fake")
    assert ended.returncode == 1, ended.stderr
    assert all(f"{folder / name}: unsupported_format: " in ended.stderr for name in names)


def test_a_file_that_fails_keeps_no_old_result(folder, tmp_path):
    """What an earlier run read goes when a later one can't read the file, and that is said; others stay."""
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(picture(name))
    arguments = [folder, "--out", tmp_path / "out", "--engine", "fake"]
    assert command(*arguments).returncode == 0
    (folder / "a.png").write_bytes(b"no picture")
    ended = command(*arguments)
    assert ended.returncode == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.png.json"]
    assert f"removed, from an earlier run: {tmp_path / 'out/a.png.json'}" in ended.stderr


def test_a_name_that_is_no_key_is_told_with_its_result(folder, tmp_path):
    """The name, escaped, and the file that holds what was read of it."""
    (folder / "new\nline.png").write_bytes(picture("x"))
    ended = command(folder, "--out", tmp_path / "out", "--engine", "fake")
    (result,) = (tmp_path / "out").rglob("*.json")
    assert f"new\\nline.png' -> {result}\n" in ended.stderr


def test_folders_that_were_not_searched_are_told(folder, tmp_path):
    """A link to a folder is named, with what to do; what else is there is read."""
    (folder / "good.png").write_bytes(picture("good"))
    (folder / "link").symlink_to(tmp_path)
    ended = command(folder, "--out", tmp_path / "out", "--engine", "fake")
    assert ended.returncode == 0, ended.stderr
    assert "folder_link" in ended.stderr
    assert ended.stdout.startswith("read 1 document: ")


def test_a_closed_folder_is_a_failure(folder, tmp_path, monkeypatch):
    """It is listed, counted, and the exit code is 1; what else is there is read."""
    (folder / "good.png").write_bytes(picture("good"))
    (folder / "closed").mkdir()
    look = os.scandir

    def scandir(path):  # for root no folder is closed by its mode
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "closed", str(path))
        return look(path)

    monkeypatch.setattr(os, "scandir", scandir)
    ended = CliRunner().invoke(app, ["ocr", str(folder), "--out", str(tmp_path / "out"), "--engine", "fake"])
    assert ended.exit_code == 1, ended.output
    assert "folder_closed" in ended.stderr
    assert ended.stdout.startswith("read 1 document, 1 folder not opened: ")


def test_where_nothing_can_be_written_nothing_is_read(folder, tmp_path):
    """Exit code 3 before the first document, and no progress."""
    (folder / "good.png").write_bytes(picture("good"))
    (tmp_path / "file").write_text("in the way")
    ended = command(folder, "--out", tmp_path / "file/out", "--engine", "fake")
    assert ended.returncode == 3, ended.stderr
    assert "out_unwritable" in ended.stderr
    assert "documents" not in ended.stderr


def test_an_unknown_profile_is_told_with_those_that_are(folder, tmp_path):
    """Exit code 2 and the names there are."""
    (folder / "good.png").write_bytes(picture("good"))
    ended = command(folder, "--out", tmp_path / "out", "--profile", "nope")
    assert ended.returncode == 2
    assert "small" in ended.stderr
    assert "tiny" in ended.stderr


def test_help_shows_what_is_for_users(tmp_path):
    """The engine of the tests is none of it."""
    told = command("--help").stdout
    assert "paddleocr" in told
    assert "fake" not in told


def test_missing_models_are_told_with_what_to_do(folder, tmp_path):
    """Exit code 4 and the command that fetches them; nothing is read."""
    (folder / "good.png").write_bytes(picture("good"))
    ended = command(folder, "--out", tmp_path / "out", PAGESTREAM_ENGINE__MODELS_DIRECTORY=str(tmp_path / "none"))
    assert ended.returncode == 4
    assert "pagestream models fetch" in ended.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("wrong", [["--pages", "two"], ["--dpi", "9"], ["--out", "in"], ["no such file"]])
def test_wrong_use_is_exit_code_two(folder, tmp_path, wrong):
    """Options that make no sense, files that do not exist, and results among documents are refused at once."""
    (folder / "good.png").write_bytes(picture("good"))
    arguments = [str(folder) if word == "in" else word for word in wrong]
    ended = command(folder, "--out", tmp_path / "out", *arguments)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr


def test_tables_are_left_out_where_nobody_wants_them(folder, tmp_path):
    """With --no-tables a page has its lines and no table; without a word it has both."""
    (folder / "table.png").write_bytes(picture("above", Table((("item", "price"), ("pen", "two"), ("ink", "nine")))))
    found = {}
    for name, wish in {"wanted": [], "lines": ["--no-tables"]}.items():
        ended = command(folder, "--out", tmp_path / name, "--engine", "fake", *wish)
        assert ended.returncode == 0, ended.stderr
        [page] = orjson.loads((tmp_path / name / "table.png.json").read_bytes())["pages"]
        found[name] = len(page["tables"]), len(page["lines"])
    assert found == {"wanted": (1, 7), "lines": (0, 7)}


def test_warnings_of_pages_are_counted(folder, tmp_path):
    """Whoever reads the summary knows that a table is to be looked at, and how many such pages there are."""
    cells = (("item", "price"), ("pen", mark(Fault.REJECTED, "tables")), ("ink", "nine"))
    for name in ("one.png", "two.png"):
        (folder / name).write_bytes(picture("above", Table(cells)))
    ended = command(folder, "--out", tmp_path / "out", "--engine", "fake")
    assert ended.returncode == 0, ended.stderr
    assert "warnings of pages: table_unreadable 2" in ended.stdout


def test_a_password_comes_from_a_file(folder, tmp_path):
    """An encrypted document is read with --password-file, and the password appears nowhere."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(gauge_report().body)))
    writer.encrypt("open sesame", algorithm="AES-256")
    writer.write(folder / "locked.pdf")
    (tmp_path / "password").write_text("open sesame\n")
    arguments = [folder, "--out", tmp_path / "out", "--engine", "fake", "--pages", "1", "--dpi", "72"]
    refused = command(*arguments)
    assert (refused.returncode, "--password-file" in refused.stderr) == (1, True)
    assert "options." not in refused.stderr
    ended = command(*arguments, "--password-file", tmp_path / "password")
    assert ended.returncode == 0, ended.stderr
    result = (tmp_path / "out/locked.pdf.json").read_bytes()
    assert orjson.loads(result)["page_count"] == 2
    assert b"sesame" not in result + ended.stdout.encode() + ended.stderr.encode()


def test_an_interrupt_ends_it_cleanly(folder, tmp_path):
    """Ctrl-C: exit code 130 soon, every result that is there is whole, nothing half-written lies about."""
    for number in range(2000):
        (folder / f"{number}.png").write_bytes(picture(f"number {number}"))
    out = tmp_path / "out"
    arguments = [sys.executable, "-m", "pipeline", "ocr", folder, "--out", out, "--engine", "fake"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + PATIENCE_S
        while not list(out.glob("*.json")) and process.poll() is None and time.monotonic() < until:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
        process.send_signal(signal.SIGINT)
        told, complaints = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, complaints
    assert told.startswith("interrupted after ")
    assert "Traceback" not in complaints
    written = list(out.iterdir())
    assert 0 < len(written) < 2000
    assert all(decode(DocumentResult, path.read_bytes()).status == "complete" for path in written)


@pytest.mark.models
def test_the_samples_are_read_nearly_perfectly(folder, tmp_path, models_directory):
    """The real models read the samples in order, with at most one sign in a hundred wrong."""
    for sample in readable():
        (folder / Path(sample.key).name).write_bytes(sample.body)
    ended = command(folder, "--out", tmp_path / "out", PAGESTREAM_ENGINE__MODELS_DIRECTORY=str(models_directory))
    assert ended.returncode == 0, ended.stderr
    for sample in readable():
        body = (tmp_path / "out" / f"{Path(sample.key).name}.json").read_bytes()
        for page, wanted in zip(decode(DocumentResult, body).pages, sample.pages, strict=True):
            likeness = difflib.SequenceMatcher(None, page.text or "", "\n".join(wanted), autojunk=False).ratio()
            assert likeness >= 0.99, f"{sample.key}, page {page.number}: {page.text}"
