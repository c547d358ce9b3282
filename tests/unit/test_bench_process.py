"""A side in a process of its own: what it says comes back, and however it ends, the bench does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import dataclass

import psutil
import pytest

from pipeline.bench import process
from pipeline.bench.process import Remote
from pipeline.bench.side import Pass
from pipeline.errors import Environment, Fatal, PagestreamError
from tests.services import until


@dataclass(frozen=True)
class Scripted:
    """A kind and a side in one, which does what its name says when it is asked to read."""

    does: str

    def load(self):
        if self.does == "not_load":
            raise Fatal("Fetch the models.", code="models_missing", stage="engine")
        return self

    def run(self, files, tell):
        match self.does:
            case "read":
                sys.stdout.write("chatter that must not reach the terminal")
                for _ in files:
                    tell(1)
                return Pass(seconds=1.0, pages=len(files), lines=os.getpid())
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "raise":
                raise ValueError("a defect")
            case "hang":
                threading.Event().wait()
        raise AssertionError

    def close(self): ...


def sides_at_work() -> list[psutil.Process]:
    """Processes that were started for a side."""
    return [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


def loaded(does: str) -> Remote:
    side = Remote("a side", Scripted(does))
    side.begin_load()
    return side


def test_a_side_keeps_its_process_and_its_words(capfd):
    """Passes come back from one process that is not ours; pages are told on the way, and nothing is printed."""
    heard: list[int] = []
    with loaded("read") as side:
        side.finish_load()
        first, second = (side.run({"a": None, "b": None}, heard.append) for _ in range(2))
        assert first.lines == second.lines != os.getpid()
        assert (first.pages, heard) == (2, [1, 1, 1, 1])
        assert side.peak_mb > 0
        assert [child.pid for child in sides_at_work()] == [first.lines]
    until(lambda: not psutil.pid_exists(first.lines))
    assert capfd.readouterr() == ("", "")


def _read(does: str) -> None:
    with loaded(does) as side:
        side.finish_load()
        side.run({"a": None}, lambda count: None)


@pytest.mark.parametrize(
    ("does", "family", "code"),
    [
        ("not_load", Fatal, "models_missing"),
        ("die", Fatal, "bench_side_died"),
        ("raise", Fatal, "bench_side_failed"),
        ("hang", Environment, "bench_stalled"),
    ],
)
def test_however_a_side_ends_it_is_told(monkeypatch, capfd, does, family, code):
    """By an error of the tree, within the deadline; and its process is gone after."""
    monkeypatch.setattr(process, "SILENCE_S", 1.0)
    with pytest.raises(PagestreamError) as caught:
        _read(does)
    assert (type(caught.value), caught.value.code) == (family, code)
    assert not sides_at_work()
    assert ("a defect" in capfd.readouterr().err) == (does == "raise")
