"""Laws of what a worker shows of itself to whoever looks from outside: its ready file, its memory, its exit code."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from pipeline.commands.exits import exit_code
from pipeline.errors import Environment, Fatal, PagestreamError, Recycle
from pipeline.telemetry.memory import Memory, resident_bytes
from pipeline.telemetry.readiness import Readiness


def test_the_file_is_there_while_it_is_ready(tmp_path: Path) -> None:
    """It holds the process id, appears whole, goes with readiness, and nothing else is left in its folder."""
    file = tmp_path / "ready"
    readiness = Readiness(file)
    assert not file.exists()
    for _ in range(2):
        readiness.ready("2 lanes")
        readiness.ready("2 lanes")
        assert file.read_text() == f"{os.getpid()}\n"
        readiness.unready("stopping")
        readiness.unready("stopping")
        assert list(tmp_path.iterdir()) == []


def test_a_dead_ones_file_is_removed(tmp_path: Path) -> None:
    """A worker that starts is not ready, whatever a killed one left behind."""
    file = tmp_path / "ready"
    file.write_text("1\n")
    Readiness(file)
    assert not file.exists()


@pytest.mark.parametrize("place", ["missing/ready", "file/ready"])
def test_a_file_that_can_not_be_written_is_told_at_once(tmp_path: Path, place: str) -> None:
    """A worker that nobody could ever see ready does not start."""
    (tmp_path / "file").touch()
    with pytest.raises(Fatal) as refused:
        Readiness(tmp_path / place)
    assert refused.value.code == "ready_file_unwritable"


def test_a_folder_that_vanishes_costs_no_work(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Once at work, a file that can't be written is told in the log and stops nothing."""
    folder = tmp_path / "gone"
    folder.mkdir()
    readiness = Readiness(folder / "ready")
    folder.rmdir()
    readiness.ready("2 lanes")
    readiness.unready("stopping")
    assert "could not be written" in caplog.text


def test_each_change_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """The log tells when a worker becomes ready and when it ceases to be, and why; without a file too."""
    caplog.set_level(logging.INFO)
    readiness = Readiness()
    for _ in range(2):
        readiness.ready("2 lanes")
    for _ in range(2):
        readiness.unready("a lane is gone")
    assert [record.message for record in caplog.records] == ["ready: 2 lanes", "unready: a lane is gone"]


def test_memory_is_looked_at_now_and_then() -> None:
    """The first look counts at once, the next one after the interval; what is seen is this process."""
    now = 100.0
    memory = Memory(lambda: now, every_s=5.0)
    first = memory.look()
    assert first is not None
    assert 2**20 < first < 2**40
    assert abs(first - resident_bytes()) < 2**28
    now = 104.9
    assert memory.look() is None
    now = 105.0
    assert memory.look() is not None


@pytest.mark.parametrize(
    ("error", "code"), [(Environment("x"), 3), (Fatal("x"), 4), (PagestreamError("x"), 4), (Recycle("x"), 5)]
)
def test_a_supervisor_can_tell_ends_apart(error: PagestreamError, code: int) -> None:
    """Each family of reasons has its own exit code: restarting helps, does not help, or is asked for."""
    assert exit_code(error) == code
