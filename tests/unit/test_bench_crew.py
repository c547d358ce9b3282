"""Several processes as one side: they share the files, count together, and end together."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest

from pipeline.bench import process
from pipeline.bench.crew import Crew
from pipeline.bench.side import Pass, Several
from pipeline.errors import Environment, Fatal, PagestreamError
from pipeline.ocr.agreement import ReadPage
from tests.services import until

PAGE = ReadPage(1, 1, ())
HELD: list[np.ndarray] = []
HELD_MB = 300
WORK_S = 0.1
"""Processor time; it is told in hundredths."""


@dataclass(frozen=True)
class Scripted:
    """A kind and a side in one. It signs for each file in the file's folder; `does` is what comes after that."""

    does: str

    def load(self):
        match self.does:
            case "not_load":
                raise Fatal("Fetch the models.", code="models_missing", stage="engine")
            case "hold":
                HELD.append(np.ones(HELD_MB * 2**20, np.uint8))
        return self

    def run(self, files, tell):
        for name, path in files.items():
            (path.parent / f"{name}-{os.getpid()}").touch()
            match self.does, name:
                case "meet", _:
                    until(lambda folder=path.parent: len(signed(folder)) > 1)
                    _work()
                case "die", "b":
                    until(lambda folder=path.parent: len(signed(folder)) > 1)
                    os.kill(os.getpid(), signal.SIGKILL)
                case ("die", _) | ("hang", _):
                    threading.Event().wait()
            tell(1)
        failed = {name: "unreadable" for name in files if name == "bad"}
        readings = {name: (PAGE,) for name in files if name not in failed}
        return Pass(seconds=1.0, pages=len(readings), lines=2, failed=failed, readings=readings)

    def close(self): ...


def _work() -> None:
    began = time.process_time()
    while time.process_time() < began + WORK_S:
        pass


def signed(folder: Path) -> set[str]:
    """The processes that have signed."""
    return {path.name.rpartition("-")[2] for path in folder.iterdir()}


def crew_of(does: str, count: int = 2) -> Crew:
    return Crew("a side", Several(Scripted(does), count))


def files(folder: Path, *names: str) -> dict[str, Path]:
    return {name: folder / name for name in names}


def loaded(crew: Crew) -> Crew:
    crew.begin_load()
    crew.finish_load()
    return crew


def test_every_file_is_read_once_and_by_several(tmp_path):
    """Two processes read at the same time; what they read, and what they could not, is counted together."""
    heard: list[int] = []
    with crew_of("meet") as crew:
        done = loaded(crew).run(files(tmp_path, "a", "b", "bad"), heard.append)
    assert (done.readings.keys(), done.failed) == ({"a", "b"}, {"bad": "unreadable"})
    assert (done.pages, done.lines, heard) == (2, 6, [1, 1, 1])
    assert sorted(path.name.partition("-")[0] for path in tmp_path.iterdir()) == ["a", "b", "bad"]
    assert len(signed(tmp_path)) == 2
    assert done.seconds > 0
    assert done.cpu_seconds > 2 * WORK_S  # of three files, one process has read two at most


def test_every_process_warms_up(tmp_path):
    """However few files there are, each process has read them all."""
    with crew_of("read", 3) as crew:
        loaded(crew).warm_up(files(tmp_path, "a", "b"))
    assert len(signed(tmp_path)) == 3
    assert len(list(tmp_path.iterdir())) == 6


def test_the_memory_of_all_is_counted(tmp_path):
    """What two processes hold at one time is more than either does."""
    with crew_of("hold") as crew:
        loaded(crew).warm_up(files(tmp_path, "a"))
    assert crew.peak_mb > 2 * HELD_MB


@pytest.mark.parametrize(
    ("does", "family", "code"),
    [
        ("not_load", Fatal, "models_missing"),
        ("die", Fatal, "bench_side_died"),
        ("hang", Environment, "bench_stalled"),
    ],
)
def test_one_that_ends_ends_all(monkeypatch, tmp_path, does, family, code):
    """By the error of the first, however long the others would take; and no process stays behind."""
    monkeypatch.setattr(process, "SILENCE_S", 2.0 if does == "hang" else 3600.0)
    with pytest.raises(PagestreamError) as caught:
        _read(does, tmp_path)
    assert (type(caught.value), caught.value.code) == (family, code)
    assert not sides_at_work()


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # Ctrl-C may fall into psutil's look at a file
def test_ctrl_c_waits_for_nobody(tmp_path):
    """However long the processes would read, they are ended, and gone."""
    begun = threading.Thread(target=lambda: (until(lambda: signed(tmp_path)), signal.raise_signal(signal.SIGINT)))
    begun.start()
    with pytest.raises(KeyboardInterrupt):
        _read("hang", tmp_path)
    begun.join()
    assert not sides_at_work()


def sides_at_work() -> list[psutil.Process]:
    """Processes that were started for a side."""
    return [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


def _read(does: str, folder: Path) -> None:
    with crew_of(does) as crew:
        loaded(crew).run(files(folder, "a", "b"), lambda count: None)
