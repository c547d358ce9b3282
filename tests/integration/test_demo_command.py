"""`pagestream demo`: what it leaves on disk, and what it shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from lxml import html

from schemas.codec import decode
from schemas.results import DocumentCompleted, DocumentResult, PageResult

PATIENCE_S = 100.0
COLUMNS = 100


def demo(out: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", "demo", "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def ended(out: Path) -> subprocess.CompletedProcess[str]:
    """One run with the fake engine: it finds no text on the samples, and everything else is as ever."""
    return demo(out, PAGESTREAM_ENGINE__NAME="fake")


def records(out: Path, topic: str) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in (out / f"records/pagestream.{topic}.jsonl").read_bytes().splitlines()]


def test_all_goes_as_expected(ended):
    """Three documents are read and two are not: that is success, and it says so."""
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "All five ended as they should." in ended.stdout
    for shown in ("letter.png", "receipt.jpg", "report.pdf", "corrupt_image", "not_json"):
        assert shown in ended.stdout
    assert "Traceback" not in ended.stderr


def test_it_fits_where_there_is_no_terminal(ended):
    """No line is longer than a hundred columns, and no terminal's codes are in it."""
    assert max(map(len, ended.stdout.splitlines())) <= COLUMNS
    assert "\x1b" not in ended.stdout + ended.stderr


def test_records_lie_on_disk(ended, out):
    """What went onto the topics can be read again: four pages, three completions, two dead letters."""
    assert [decode(PageResult, orjson.dumps(record["value"])).number for record in records(out, "pages")].count(1) == 3
    assert len(records(out, "pages")) == 4
    completed = [decode(DocumentCompleted, orjson.dumps(record["value"])) for record in records(out, "results")]
    assert {one.source.key for one in completed} == {"scans/letter.png", "photos/receipt.jpg", "office/report.pdf"}
    for one in completed:
        result = decode(DocumentResult, (out / one.result.bucket / one.result.key).read_bytes())
        assert result.document_id == one.document_id
        assert (out / one.source.bucket / one.source.key).is_file()
    codes = {record["headers"]["dlq.error.code"] for record in records(out, "dead-letter")}
    assert codes == {"corrupt_image", "not_json"}


def test_what_was_read_can_be_looked_at(ended, out):
    """There is a page of each document that was read, with a picture of each of its pages, and the last is named."""
    shown = {path.name: html.fromstring(path.read_bytes()) for path in (out / "pages").iterdir()}
    pictures = {name: len(page.findall(".//image")) for name, page in shown.items()}
    assert pictures == {"letter.html": 1, "receipt.html": 1, "report.html": 2}
    assert str(out / "pages/report.html") in "".join(ended.stdout.split())


def test_the_trace_is_drawn(ended):
    """From the sender's span to the records sent, with the batches beside."""
    for span in (
        "upload: send pagestream.documents",
        "└─ process pagestream.documents",
        "├─ fetch",
        "├─ decode",
        "├─ wait",
        "├─ detect",
        "~ batch detect: 1",
        "├─ store",
        "└─ publish",
        "send pagestream.pages",
        "send pagestream.results",
    ):
        assert span in ended.stdout


def test_another_outcome_is_told(tmp_path):
    """Where a document does not end as it should the exit code is 1, and the difference is named."""
    ended = demo(tmp_path, PAGESTREAM_ENGINE__NAME="fake", PAGESTREAM_STORE__MAX_OBJECT_BYTES="1000000")
    assert ended.returncode == 1, ended.stderr
    assert "scans/letter.png ended as object_too_large, not as complete." in ended.stdout
    assert "All five" not in ended.stdout


def test_missing_models_are_told_with_what_to_do(tmp_path):
    """Exit code 4, and the command that fetches them."""
    ended = demo(tmp_path / "out", PAGESTREAM_ENGINE__MODELS_DIRECTORY=str(tmp_path / "none"))
    assert ended.returncode == 4
    assert "pagestream models fetch" in ended.stderr


@pytest.mark.models
def test_with_real_models_the_text_is_shown(ended, out, models_directory):
    """Run again over an earlier run's folder: the first lines of each document are shown as they were drawn, and the
    trace shows that lines were read."""
    ended = demo(out, PAGESTREAM_ENGINE__MODELS_DIRECTORY=str(models_directory))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for shown in ("Harbour Street Gardens", "CORNER BAKERY", "River gauge report 2024", "├─ recognise"):
        assert shown in ended.stdout
