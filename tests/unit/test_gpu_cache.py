"""Where TensorRT's engines are kept, and what tells them apart."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import orjson
import pytest

from pipeline.engines import batched_models, paddle_cache, session
from pipeline.engines.base import EngineSettings, ModelStamp
from pipeline.engines.batched_models import Place, Plan, places
from pipeline.engines.engine_cache import (
    MANIFEST,
    TIMING,
    Built,
    cached,
    home_of,
    key,
    make,
    make_timing,
    record,
    require_built,
)
from pipeline.engines.gpu import Gpu
from pipeline.engines.shapes import Profile
from pipeline.errors import Environment, Fatal

GPU = Gpu("NVIDIA H200", "9.0")
BUILT = Built("NVIDIA H200", "9.0", "10.15.1", "onnxruntime 1.31.1", "det", "ab" * 32, "f16", "4 x 160 x 160")
PLAN = Plan(
    ModelStamp("det", "ab" * 32, "onnxruntime", "tensorrt", "f16"),
    b"graph",
    (Profile(4, ((160, 160), (960, 960))), Profile(2, ((160, 160), (960, 960)))),
)


def built_in(folder: Path, built: Built = BUILT) -> Path:
    """As after a build: an engine of 1 000 bytes, its shapes in a folder below, and the manifest."""
    make(folder)
    (folder / "graph.engine").write_bytes(b"x" * 1000)
    (folder / "below").mkdir()
    (folder / "below" / "graph.profile").write_bytes(b"1x2x3x3")
    record(folder, built)
    return folder


@pytest.fixture
def on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the machine had a GPU with TensorRT."""
    monkeypatch.setattr(batched_models, "require_device", lambda *_: None)
    monkeypatch.setattr(batched_models, "find_gpu", lambda _: GPU)
    monkeypatch.setattr(batched_models, "tensorrt_version", lambda: "10.15.1")


def test_the_key_follows_from_all_that_is_built_from() -> None:
    """Another graph, option or runtime is another key; the same are the same, whatever the options' order."""
    options = {"trt_fp16_enable": "True", "trt_profile_min_shapes": "image:1x2x3x3"}
    keys = [
        key(b"graph", options, "onnxruntime 1.31.1"),
        key(b"graph with other weights", options, "onnxruntime 1.31.1"),
        key(b"graph", options | {"trt_fp16_enable": "False"}, "onnxruntime 1.31.1"),
        key(b"graph", options | {"trt_profile_min_shapes": "image:1x2x4x3"}, "onnxruntime 1.31.1"),
        key(b"graph", options, "onnxruntime 1.32.0"),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == key(b"graph", dict(reversed(options.items())), "onnxruntime 1.31.1")
    assert all(len(one) == 16 for one in keys)


def test_gpus_and_versions_have_folders_of_their_own() -> None:
    """Name and capability of the GPU and TensorRT's version each tell folders apart; names hold no odd signs."""
    homes = {
        home_of(Path("/root"), gpu, version)
        for gpu in (GPU, Gpu("NVIDIA H200 MIG 1g.18gb", "9.0"), Gpu("NVIDIA H200", "10.0"))
        for version in ("10.15.1", "10.9.0")
    }
    assert len(homes) == 6
    assert Path("/root/nvidia-h200-9.0/10.15.1") in homes
    assert home_of(Path("/root"), Gpu("../..", "9.0"), "..").relative_to("/root").parts == ("unknown-9.0", "unknown")


@pytest.mark.usefixtures("on_a_gpu")
def test_every_profile_has_its_place(tmp_path: Path) -> None:
    """Engines of one model lie apart, with their GPU and version above them; what was measured is shared."""
    settings = EngineSettings(models=Path("unused"), device="tensorrt", precision="f16", cache=tmp_path)
    one, two = places(PLAN, settings)
    assert one.folder != two.folder
    assert one.folder.parent == two.folder.parent == tmp_path / "nvidia-h200-9.0" / "10.15.1"
    assert one.options["trt_engine_cache_path"] == str(one.folder)
    assert one.options["trt_timing_cache_path"] == two.options["trt_timing_cache_path"]
    assert [place.built.shapes[:1] for place in (one, two)] == ["4", "2"]
    (other, _) = places(PLAN, replace(settings, precision="f32"))
    assert other.folder not in (one.folder, two.folder)


def test_results_say_which_tensorrt_read_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another TensorRT is another runtime in the stamp, and so another pipeline to whoever compares results."""
    (tmp_path / "inference.onnx").write_bytes(b"weights")
    monkeypatch.setattr(session, "tensorrt_version", lambda: "10.15.1")
    settings = EngineSettings(models=Path("unused"), device="tensorrt")
    assert session.stamp(tmp_path, "det", settings).runtime.endswith(", tensorrt 10.15.1")
    assert "tensorrt" not in session.stamp(tmp_path, "det", replace(settings, device="cuda")).runtime


@pytest.mark.usefixtures("on_a_gpu")
def test_a_worker_without_its_engines_is_told_to_build_them(tmp_path: Path) -> None:
    """An engine that was not built is refused at the start, with the command that builds; nothing is made."""
    settings = EngineSettings(models=Path("unused"), device="tensorrt", cache=tmp_path)
    with pytest.raises(Fatal, match="pagestream engines build") as refusal:
        batched_models.open_profiles(PLAN, settings)
    assert refusal.value.code == "engine_not_built"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("on_a_gpu")
def test_a_worker_opens_what_was_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session for each profile is opened with the options it was built with."""
    settings = EngineSettings(models=Path("unused"), device="tensorrt", cache=tmp_path)
    opened: list[dict[str, str]] = []
    monkeypatch.setattr(batched_models, "open_session", lambda graph, settings, tensorrt: opened.append(tensorrt))
    found: list[Place] = places(PLAN, settings)
    for place in found:
        built_in(place.folder, place.built)
    assert len(batched_models.open_profiles(PLAN, settings)) == 2
    assert opened == [place.options for place in found]


def test_what_was_recorded_is_listed(tmp_path: Path) -> None:
    """Finished folders say what they hold, how large it is and what has changed since; others are listed as
    unfinished; timings are none."""
    home = home_of(tmp_path, GPU, "10.15.1")
    for name in ("a", "b", "c", "d"):
        built_in(home / name)
    make_timing(home / TIMING)
    (home / "b" / MANIFEST).write_bytes(b'{"gpu": 1')
    (home / "c" / MANIFEST).write_bytes(b'{"built": 1}')
    (home / "d" / "graph.engine").write_bytes(b"x")
    first, second, third, fourth = cached(tmp_path)
    assert (first.built, first.changed, first.size) == (BUILT, (), 1007)
    assert (second.built, third.built) == (None, None)
    assert (fourth.built, fourth.changed) == (BUILT, ("graph.engine",))
    assert cached(tmp_path / "nowhere") == []


def test_a_build_counts_once_it_is_finished(tmp_path: Path) -> None:
    """Engines whose manifest was not written are as good as none."""
    (tmp_path / "graph.engine").write_bytes(b"half")
    with pytest.raises(Fatal, match="engines build"):
        require_built(tmp_path)
    record(tmp_path, BUILT)
    require_built(tmp_path)


@pytest.mark.parametrize("name", ["graph.engine", "below/graph.profile"])
@pytest.mark.parametrize("left", [None, b"", b"x" * 999, b"x" * 1001])
def test_a_build_counts_while_its_files_are_as_they_were(tmp_path: Path, name: str, left: bytes | None) -> None:
    """A worker is refused when any file is gone, cut short or longer, whatever else lies there; and then only."""
    folder = built_in(tmp_path / "key")
    (folder / "more").write_bytes(b"from a later run")
    require_built(folder)
    (folder / name).unlink()
    if left is not None:
        (folder / name).write_bytes(left)
    with pytest.raises(Fatal, match="engines build") as refusal:
        require_built(folder)
    assert refusal.value.code == "engine_not_built"


def test_a_manifest_without_files_is_none(tmp_path: Path) -> None:
    """What an older release has recorded counts as not built."""
    folder = built_in(tmp_path / "key")
    (folder / MANIFEST).write_bytes(orjson.dumps(asdict(BUILT)))
    with pytest.raises(Fatal, match="not built"):
        require_built(folder)


def test_building_begins_with_nothing_or_with_a_whole_build(tmp_path: Path) -> None:
    """What broke off, or has changed since, is removed: TensorRT takes what it finds. What is whole is left alone."""
    whole, broken, half = built_in(tmp_path / "whole"), built_in(tmp_path / "broken"), tmp_path / "half"
    (broken / "below" / "graph.profile").unlink()
    half.mkdir()
    (half / "graph.engine").write_bytes(b"half")
    for folder in (whole, broken, half):
        make(folder)
    require_built(whole)
    assert (list(broken.iterdir()), list(half.iterdir())) == ([], [])


def test_a_build_of_nothing_is_none(tmp_path: Path) -> None:
    """Where TensorRT has left no file, no worker is told that its engines are there."""
    with pytest.raises(Fatal) as refusal:
        record(tmp_path, BUILT)
    assert refusal.value.code == "engine_unavailable"
    assert list(tmp_path.iterdir()) == []


def test_a_closed_cache_names_the_setting(tmp_path: Path) -> None:
    """A cache that can't be written is the environment's fault, and says which setting to correct."""
    (tmp_path / "file").write_bytes(b"")
    below = tmp_path / "file" / "sub"
    (tmp_path / "key" / f".{MANIFEST}").mkdir(parents=True)
    (tmp_path / "key" / "graph.engine").write_bytes(b"x")
    for attempt in (lambda: make(below), lambda: make_timing(below), lambda: record(tmp_path / "key", BUILT)):
        with pytest.raises(Environment, match=r"engine\.cache_directory") as refusal:
            attempt()
        assert refusal.value.code == "cache_closed"


def test_paddleocr_finds_each_build_in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PaddleX keeps what it builds beside the model: precisions and GPUs get folders apart, with the model's files."""
    model = tmp_path / "det"
    model.mkdir()
    for name in ("inference.yml", "inference.json", "inference.pdiparams"):
        (model / name).write_text(name)
    settings = EngineSettings(models=tmp_path, device="tensorrt", precision="f16", cache=tmp_path / "cache")
    monkeypatch.setattr(paddle_cache, "find_gpu", lambda _: GPU)
    monkeypatch.setattr(paddle_cache, "tensorrt_version", lambda: "10.15.1")
    home = paddle_cache.home(model, "det", settings)
    other = paddle_cache.home(model, "det", replace(settings, precision="f32"))
    assert home.folder != other.folder
    assert home.folder.parent == home_of(tmp_path / "cache", GPU, "10.15.1")
    for _ in range(2):
        paddle_cache.link(model, home.folder)
        assert {file.name: file.read_text() for file in home.folder.iterdir()} == {
            name: name for name in ("inference.yml", "inference.json", "inference.pdiparams")
        }
    (home.folder / ".cache").mkdir()
    (home.folder / ".cache" / "inference.json").write_text("with engines")
    record(home.folder, home.built)
    (model / "inference.yml").write_text("the model's own files are looked at elsewhere")
    require_built(home.folder)
    assert [entry.built for entry in cached(tmp_path / "cache")] == [home.built]
