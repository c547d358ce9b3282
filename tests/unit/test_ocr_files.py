"""Which files `pagestream ocr` takes, what it calls them, and how many are under way at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.commands.files import LONGEST_NAME, Left, chosen_files
from pipeline.commands.output import write_whole
from pipeline.errors import Environment
from pipeline.local_worker import Settled, local_settings, outcomes
from schemas.events import Options, safe_key
from schemas.failures import DeadLetter, Origin


def _touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def test_a_folder_is_searched_through(tmp_path):
    """Keys are paths below the folder, in order; what is hidden, and the folder of results, are passed over."""
    folder = _touch(tmp_path, "b.png", "a/c.pdf", "a/.x.png", ".git/d.png", "out/b.png.json")
    assert chosen_files([folder], out=folder / "out").files == {
        "b.png": folder / "b.png",
        "a/c.pdf": folder / "a/c.pdf",
    }


def test_files_of_one_name_get_keys_of_their_own(tmp_path):
    """The later one goes under a number; letter case makes no difference; the same file twice is one document."""
    _touch(tmp_path, "a/x.png", "b/x.png", "c/X.PNG", "d/2/x.png")
    arguments = [tmp_path / "a", tmp_path / "b/x.png", tmp_path / "c", tmp_path / "d", tmp_path / "a/../a/x.png"]
    chosen = chosen_files(arguments, out=tmp_path / "out")
    assert chosen.files == {
        "x.png": tmp_path / "a/x.png",
        "2/x.png": tmp_path / "b/x.png",
        "3/X.PNG": tmp_path / "c/X.PNG",
        "2/2/x.png": tmp_path / "d/2/x.png",
    }
    assert chosen.renamed == ("2/x.png", "3/X.PNG", "2/2/x.png")


@pytest.mark.parametrize("name", [b"new\nline.png", b"latin-\xe9.png", b"n" * (LONGEST_NAME + 1)])
def test_a_name_that_is_no_key_gets_one(tmp_path, name):
    """What no object may be called, or no result file, has a key made of its digest, the same every time."""
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"")
    chosen = chosen_files([tmp_path], out=tmp_path / "out")
    (key,) = chosen.files
    assert chosen.renamed == (key,)
    assert key.startswith("unnamed/")
    assert safe_key(key) == key
    assert chosen_files([path], out=tmp_path / "out").files == {key: path}


def test_links_to_folders_are_told_and_not_followed(tmp_path):
    """A link that leads back up does not make the search endless; a link to a file is a file, a broken one too."""
    folder = _touch(tmp_path, "in/a.png") / "in"
    (folder / "loop").symlink_to(tmp_path)
    (folder / "b.png").symlink_to(folder / "a.png")
    (folder / "c.png").symlink_to(folder / "gone.png")
    chosen = chosen_files([folder], out=tmp_path / "out")
    assert list(chosen.files) == ["a.png", "b.png", "c.png"]
    assert chosen.left == (Left(folder / "loop", "link"),)


def test_a_folder_that_cannot_be_opened_is_told(tmp_path, monkeypatch):
    """What may not be looked into is named, and the search goes on."""
    folder = _touch(tmp_path, "a/x.png", "b/y.png", "c/z.png")
    scan = os.scandir

    def refuse(path: str) -> object:
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr("os.scandir", refuse)
    chosen = chosen_files([folder], out=tmp_path / "out")
    assert list(chosen.files) == ["a/x.png", "c/z.png"]
    assert chosen.left == (Left(folder / "b", "closed"),)


class Slow:
    """Settles the oldest document at each call."""

    def __init__(self) -> None:
        self.under_way: list[int] = []
        self.most = self.submitted = self.trims = 0

    def submit(self, value: bytes) -> int:
        self.submitted += 1
        self.under_way.append(self.submitted)
        self.most = max(self.most, len(self.under_way))
        return self.submitted

    def settled(self, timeout_s: float) -> list[Settled]:
        return [Settled(offset, _dead(offset)) for offset in (self.under_way.pop(0),)]

    def trim(self) -> None:
        self.trims += 1


def _dead(offset: int) -> DeadLetter:
    return DeadLetter(Origin("documents", 0, offset), "code", "stage", "message", 1, None)


def test_only_so_many_documents_are_under_way():
    """Of a thousand files each comes back once under its own key, never more at once than allowed, memory trimmed."""
    worker = Slow()
    files = {f"{number}.png": Path("nowhere") for number in range(1000)}
    ended = list(outcomes(worker, files, Options(), most=7))
    assert [key for key, _ in ended] == list(files)
    assert [outcome.origin.offset for _, outcome in ended] == list(range(1, 1001))
    assert worker.most == 7
    assert worker.trims == 1000


def test_a_result_is_written_whole_or_not_at_all(tmp_path):
    """A second write replaces the first; a folder in the way is an error of the tree and leaves nothing behind."""
    write_whole(tmp_path / "deep/er.json", b"one")
    write_whole(tmp_path / "deep/er.json", b"two")
    assert (tmp_path / "deep/er.json").read_bytes() == b"two"
    (tmp_path / "taken.json").mkdir()
    with pytest.raises(Environment) as caught:
        write_whole(tmp_path / "taken.json", b"three")
    assert caught.value.code == "out_unwritable"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "taken.json"]


def test_a_local_run_is_not_recycled(monkeypatch):
    """A ceiling that is set for the service holds for processes that somebody starts again."""
    monkeypatch.setenv("PAGESTREAM_FLOW__MEMORY_CEILING_MB", "1")
    assert local_settings().flow.memory_ceiling_mb is None
