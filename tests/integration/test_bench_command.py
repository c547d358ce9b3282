"""`pagestream bench`: the whole command, with every kind of side. Nothing here says how fast anything is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest
from minio import Minio
from typer.testing import CliRunner, Result

from connectors.kafka_admin import KafkaAdmin
from connectors.kafka_settings import KafkaSettings
from pipeline.__main__ import app
from pipeline.engines.fake import Fault, mark
from pipeline.samples.collection import letter, till_receipt
from pipeline.settings import cores
from tests.services import until
from tests.worker import pages, picture

pytestmark = pytest.mark.timeout(300)

Bench = Callable[..., tuple[Result, dict[str, Any]]]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Runs the command over `documents`; returns how it ended, and its JSON."""

    def run(*arguments: str) -> tuple[Result, dict[str, Any]]:
        told = tmp_path / "told.json"
        fixed = ["--documents", str(tmp_path / "documents"), "--json", str(told)]
        ended = CliRunner().invoke(app, ["bench", *fixed, *arguments])
        return ended, orjson.loads(told.read_bytes()) if told.exists() else {}

    (tmp_path / "documents").mkdir()
    return run


@pytest.fixture
def documents(tmp_path: Path, bench: Bench) -> Path:
    """Four pages that the fake engine reads, and a file that nobody can."""
    folder = tmp_path / "documents"
    (folder / "one.png").write_bytes(picture("one", "two"))
    (folder / "three.tiff").write_bytes(pages(["three"], ["four"], ["five"]))
    (folder / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return folder


def test_the_flow_reads_what_its_engines_read(bench, documents):
    """Against the bare stage every line is the same; every page is counted; the unreadable file is named by count."""
    ended, told = bench("--engine", "fake", "--against", "bare", "--repeat", "2", "--lanes", "2")
    assert ended.exit_code == 0, ended.output
    sides = told["sides"]
    assert {name: (side["pages"], side["lines"]) for name, side in sides.items()} == {
        "pagestream": (4, 5),
        "bare stage": (4, 5),
    }
    assert 0 < told["engine_busy_share"] <= 1
    assert told["peak_rss_mb"] > 0
    assert (told["settings"]["left_out"], told["settings"]["files"], told["settings"]["lanes"]) == (
        {"corrupt_image": 1}, 2, 2,
    )  # fmt: skip
    assert "100.0%" in ended.stdout
    assert "1 file left out" in ended.stderr


def test_a_document_that_fails_is_named_and_stops_nothing(bench, documents):
    """One that opens and can't be read is told by its name, and the exit code says so."""
    (documents / "bad.png").write_bytes(picture(mark(Fault.REJECTED)))
    ended, told = bench("--engine", "fake", "--against", "none", "--repeat", "1")
    assert ended.exit_code == 1
    assert list(told["sides"]["pagestream"]["failed"]) == ["bad.png"]
    assert "bad.png" in ended.stdout
    assert told["sides"]["pagestream"]["pages"] == 4


def test_a_soak_goes_round_until_it_has_its_pages(bench, documents):
    """Pages ascend to the number asked for; whether memory grew is not said of so few."""
    ended, told = bench("--engine", "fake", "--soak", "40")
    assert ended.exit_code == 0, ended.output
    read = [at for at, _ in told["memory_mb"]]
    assert read == sorted(set(read))
    assert told["settings"]["pages"] >= 40
    assert all(mb > 0 for _, mb in told["memory_mb"])
    assert told["memory_growth_500_on"] is None


def test_confidence_is_held_against_transcripts(bench, documents, tmp_path):
    """Lines that say what is transcribed are right, whatever half their document is in; and weights are told."""
    for number in range(8):
        (documents / f"more {number}.png").write_bytes(picture(f"line {number}", "and another"))
    CliRunner().invoke(app, ["ocr", str(documents), "--out", str(tmp_path / "read"), "--engine", "fake"])
    (tmp_path / "truth").mkdir()
    for result in (tmp_path / "read").glob("*.json"):
        page = orjson.loads(result.read_bytes())["pages"][0]
        lines = [{"text": line["text"].upper(), "box": line["polygon"]} for line in page["lines"]]
        truth = {"width": page["width"], "height": page["height"], "lines": lines}
        (tmp_path / "truth" / result.name).write_bytes(orjson.dumps(truth))
    ended, told = bench("--engine", "fake", "--calibrate", "--truth", str(tmp_path / "truth"))
    assert ended.exit_code == 0, ended.output
    assert [one["right"] for one in told["reliability"].values()] == [1.0] * 4
    assert told["reliability"]["fitted again, all, in five folds"]["lines"] >= 16
    assert told["weights"].keys() == {"in_use", "fitted"}
    assert "weights in use" in ended.stdout


def test_too_few_transcripts_are_told(bench, documents, tmp_path):
    """Nothing can be fitted to no lines: the command ends with a sentence, and no figures."""
    (tmp_path / "truth").mkdir()
    ended, told = bench("--engine", "fake", "--calibrate", "--truth", str(tmp_path / "truth"))
    assert (ended.exit_code, told) == (4, {})
    assert "transcribe more documents" in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--services", "--against", "bare"),
        ("--services", "--soak", "10"),
        ("--soak", "10", "--against", "bare"),
        ("--calibrate",),
        ("--calibrate", "--truth", ".", "--against", "bare"),
        ("--calibrate", "--truth", ".", "--soak", "10"),
        ("--against", "none", "--lines", "lines.md"),
        ("--against", "none", "--against", "bare"),
    ],
)
def test_what_does_not_go_together_is_refused(bench, documents, arguments):
    """Before anything is loaded, with exit code 2."""
    assert bench(*arguments)[0].exit_code == 2


def test_a_folder_without_documents_is_told(bench):
    """It is said, and nothing is measured."""
    ended, told = bench("--engine", "fake", "--against", "none")
    assert (ended.exit_code, told) == (4, {})
    assert "bench_no_documents" in ended.stderr


def test_ctrl_c_ends_all_sides(documents):
    """Exit code 130, and no process of any side stays behind."""
    arguments = ["--documents", str(documents), "--engine", "fake", "--against", "bare", "--repeat", "100000"]
    ours = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "bench", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert ours.stderr is not None
    with ours, ours.stderr as told:
        next(line for line in told if line.startswith("round"))
        sides = psutil.Process(ours.pid).children(recursive=True)
        os.killpg(ours.pid, signal.SIGINT)
        assert ours.wait(60) == 130
    assert psutil.wait_procs(sides, timeout=30)[1] == []


@pytest.mark.models
def test_against_paddleocr(bench, tmp_path, monkeypatch, models_directory):
    """Both read the printed samples and agree on most lines; the differing ones are written down for a person."""
    monkeypatch.setenv("PAGESTREAM_ENGINE__MODELS_DIRECTORY", str(models_directory))
    for sample in (letter(), till_receipt()):
        (tmp_path / "documents" / Path(sample.key).name).write_bytes(sample.body)
    rivals = ("--against", "paddleocr", "--against", "paddleocr-processes")
    ended, told = bench(*rivals, "--repeat", "1", "--lines", str(tmp_path / "lines.md"))
    assert ended.exit_code == 0, ended.output
    assert {name: side["pages"] for name, side in told["sides"].items()} == {
        "pagestream": 2, "PaddleOCR": 2, "PaddleOCR, same size": 2, "PaddleOCR, one process a core": 2,
    }  # fmt: skip
    assert told["settings"]["against_processes"] == cores()
    assert told["text_agreement"] > 0.5
    assert told["ratio_median"] > 0
    assert "holds text of documents" in (tmp_path / "lines.md").read_text(encoding="utf-8")


@pytest.fixture
def services(
    kafka_address: str, store_address: tuple[str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], set[str]]:
    """Where they are, as an operator sets it; gives what they hold of benches."""
    endpoint, access_key, secret_key = store_address
    for name, secret in (("ACCESS_KEY", access_key), ("SECRET_KEY", secret_key)):
        file = tmp_path / name
        file.write_text(secret, encoding="utf-8")
        monkeypatch.setenv(f"PAGESTREAM_STORE__{name}_FILE", str(file))
    monkeypatch.setenv("PAGESTREAM_STORE__ENDPOINT", endpoint)
    monkeypatch.setenv("PAGESTREAM_KAFKA__BOOTSTRAP_SERVERS", kafka_address)
    client = Minio(endpoint.partition("//")[2], access_key, secret_key, secure=False)

    def held() -> set[str]:
        names = {*KafkaAdmin(KafkaSettings(kafka_address)).topics(10), *(one.name for one in client.list_buckets())}
        return {name for name in names if name.startswith("pagestream-bench-")}

    return held


@pytest.mark.kafka
@pytest.mark.store
def test_the_pipeline_on_real_services(bench, documents, services):
    """It reads what its engines read alone, every page of it, and leaves nothing behind."""
    before = services()
    ended, told = bench("--engine", "fake", "--services", "--repeat", "2")
    assert ended.exit_code == 0, ended.output
    assert {name: (side["pages"], side["lines"]) for name, side in told["sides"].items()} == {
        "pipeline": (4, 5),
        "bare stage": (4, 5),
    }
    assert told.keys() >= {"pipeline_images_per_s", "bare_images_per_s", "pipeline_share_median", "pipeline_share_min"}
    until(lambda: services() <= before)
