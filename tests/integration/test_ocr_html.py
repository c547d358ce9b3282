"""`pagestream ocr --html`: what was read, to look at in a browser."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import orjson
import pytest
from lxml import html
from pypdf import PdfReader, PdfWriter

from connectors.file_store import FileStore
from pipeline.commands.views import Views
from pipeline.engines.fake import Fault, Table, mark
from pipeline.local_worker import DOCUMENTS, local_settings
from pipeline.samples.collection import gauge_report
from schemas.codec import decode
from schemas.results import DocumentResult
from tests.integration.test_ocr_command import command
from tests.worker import pages, picture

ROWS = (("item", "price"), ("pen", "two"), ("ink", "nine"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in/sub").mkdir(parents=True)
    return tmp_path / "in"


def run(folder: Path, *more: str | Path, rc: int = 0):
    """What lies in the folder for results afterwards, the HTML parsed."""
    out = folder.parent / "out"
    ended = command(folder, "--out", out, "--engine", "fake", "--html", *more)
    assert ended.returncode == rc, ended.stderr
    return ended, {path.relative_to(out).as_posix(): html.fromstring(path.read_bytes()) for path in out.rglob("*.html")}


def test_a_page_lies_beside_each_result(folder):
    """With its lines drawn and said, and its table as a table; the summary says where to look."""
    (folder / "sub/table.png").write_bytes(picture("above", Table(ROWS)))
    (folder / "line.png").write_bytes(picture("only a line"))
    ended, found = run(folder)
    assert found.keys() == {"sub/table.png.html", "line.png.html"}
    shown = found["sub/table.png.html"]
    assert len(shown.xpath("//svg//polygon[@class='line']")) == 7
    assert [[cell.text for cell in row] for row in shown.xpath("//tr")] == [list(row) for row in ROWS]
    assert ended.stdout.endswith("those to look at in *.html\n")


def test_a_file_that_fails_keeps_no_old_page(folder):
    """Of an earlier run, when this one can't read it. Nothing half-written lies about."""
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(picture(name))
    run(folder)
    (folder / "a.png").write_bytes(b"no picture")
    assert run(folder, rc=1)[1].keys() == {"b.png.html"}
    assert sorted(path.name for path in (folder.parent / "out").iterdir()) == ["b.png.html", "b.png.json"]


def test_no_page_of_an_earlier_run_stays(folder, tmp_path):
    """Without --html it goes, whatever becomes of its file; what is not ours stays."""
    for name in ("a.png", "b.png", "c.png"):
        (folder / name).write_bytes(picture(name))
    run(folder)
    (folder / "a.png").write_bytes(b"no picture")
    (tmp_path / "out/b.png.html").write_text("<p>my own</p>")
    assert command(folder, "--out", tmp_path / "out", "--engine", "fake").returncode == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b.png.html", "b.png.json", "c.png.json"]


def test_a_page_that_failed_says_so_among_the_others(folder):
    """The others have their pictures."""
    (folder / "three.tif").write_bytes(pages(["one"], [mark(Fault.REJECTED)], ["three"]))
    shown = run(folder)[1]["three.tif.html"]
    assert len(shown.xpath("//svg")) == 2
    assert len(shown.xpath("//p[@class='error']")) == 1


def test_pages_are_drawn_as_they_were_read(folder, tmp_path):
    """At the resolution asked for, of an encrypted document too: the picture has the size of the page's frame."""
    writer = PdfWriter(clone_from=PdfReader(BytesIO(gauge_report().body)))
    writer.encrypt("open sesame", algorithm="AES-256")
    writer.write(folder / "locked.pdf")
    (tmp_path / "password").write_text("open sesame\n")
    _, found = run(folder, "--pages", "2", "--dpi", "72", "--password-file", tmp_path / "password")
    page = orjson.loads((tmp_path / "out/locked.pdf.json").read_bytes())["pages"][1]
    (drawing,) = found["locked.pdf.html"].xpath("//svg")
    assert drawing.get("viewbox") == f"0 0 {page['width']} {page['height']}"
    assert page["dpi"] == 72


@pytest.mark.parametrize("becomes", [None, b"no picture", picture("another")])
def test_a_file_that_is_another_by_now_has_no_picture(folder, tmp_path, becomes):
    """Outlines are never drawn on a page that they were not read from."""
    path = folder / "a.png"
    path.write_bytes(picture("one"))
    run(folder)
    result = decode(DocumentResult, (tmp_path / "out/a.png.json").read_bytes())
    path.unlink()
    if becomes is not None:
        path.write_bytes(becomes)
    with Views(FileStore(DOCUMENTS, {"a.png": path}), local_settings(engine={"name": "fake"})) as views:
        missing = views.write(tmp_path / "again.html", result, title="a.png")
    shown = html.fromstring((tmp_path / "again.html").read_bytes())
    assert shown.xpath("//svg") == []
    code = "object_missing" if becomes is None else "object_changed"
    assert [one.text.partition(":")[0] for one in shown.xpath("//p[@class='error']")] == [code]
    assert {number: error.code for number, error in missing.items()} == {1: code}
    assert "one" in shown.text_content()
