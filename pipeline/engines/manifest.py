"""How any other models get onto the disk: a person's own manifest of files, each with its sha256.

A manifest (YAML) names what makes a directory PaddleOCR can read, by https or from this machine:

    profile: medium
    files:
      - {path: det/inference.onnx, url: "https://example.org/det.onnx", sha256: "..."}
      - {path: det/inference.yml, file: /srv/models/det.yml, sha256: "..."}
"""

from __future__ import annotations

import urllib.request
from pathlib import Path, PurePosixPath
from typing import IO

import pydantic
import yaml

from pipeline.errors import Environment, Fatal

from .models import sha256_of
from .place import SILENCE_S, Progress, place


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
                place(source, target, file.sha256)
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
