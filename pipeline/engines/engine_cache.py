"""Where TensorRT's engines are kept, what each was built from, and whether the ones needed are there.

    <root>/<GPU>-<capability>/<TensorRT>/<key>/     engines of one model and profile, and what they are (`MANIFEST`)
    <root>/<GPU>-<capability>/<TensorRT>/timing/    what TensorRT has measured on this GPU, for all models

An engine fits one kind of GPU, one TensorRT and one graph. onnxruntime names its files after the graph's structure, not
after its weights, so models that differ in nothing else would be taken for one another: `key` tells them apart.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
from pydantic import TypeAdapter

from pipeline.errors import Environment, Fatal

from .gpu import Gpu

MANIFEST = "engine.json"
"""Written last: a folder without it was not finished."""

TIMING = "timing"
KEY_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Built:
    """What the engines of a folder were built from."""

    gpu: str
    capability: str
    tensorrt: str
    runtime: str
    model: str
    sha256: str
    precision: str
    shapes: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a build has left: the bytes of each file, by its path below the folder.

    All of them count: where the one that tells an engine's shapes is missing, onnxruntime builds anew.
    """

    built: Built
    files: Mapping[str, int]


_MANIFESTS = TypeAdapter(Manifest)


@dataclass(frozen=True, slots=True)
class Cached:
    """A folder of the cache and the bytes in it. `built` is None for one that was not finished; `changed` names the
    files that are missing or have another size than when it was."""

    folder: Path
    built: Built | None
    changed: tuple[str, ...]
    size: int

    @property
    def whole(self) -> bool:
        return self.built is not None and not self.changed


@dataclass(frozen=True, slots=True)
class Work:
    """What building consists of: as `steps` is gone through, each says what is about to be done, `total` of them."""

    total: int
    steps: Iterator[str]


def key(model: bytes, options: Mapping[str, str], runtime: str) -> str:
    """Follows from everything that an engine is built from: the model's bytes, or their digest; `options`, the shapes
    of its profile among them; and what builds it.
    """
    digest = hashlib.sha256(orjson.dumps([options, runtime], option=orjson.OPT_SORT_KEYS))
    digest.update(model)
    return digest.hexdigest()[:KEY_LENGTH]


def home_of(root: Path, gpu: Gpu, tensorrt: str) -> Path:
    """The folder of all engines for this GPU and TensorRT."""
    return root / f"{_plain(gpu.name)}-{gpu.capability}" / _plain(tensorrt)


def require_built(folder: Path) -> None:
    """A worker never builds: that takes minutes. Raises Fatal `engine_not_built`."""
    manifest = _read(folder)
    if manifest is None:
        raise _not_built("TensorRT's engines for this GPU and these models are not built")
    if _changed(folder, manifest):
        raise _not_built("A file of TensorRT's engines is missing, or is not as it was built")


def make(folder: Path) -> None:
    """Where engines are to be built: what is there stays if it is whole, for TensorRT takes whatever it finds.

    Raises Environment `cache_closed`.
    """
    manifest = _read(folder)
    try:
        if folder.exists() and (manifest is None or _changed(folder, manifest)):
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise closed() from error


def make_timing(folder: Path) -> None:
    """Raises Environment `cache_closed`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise closed() from error


def record(folder: Path, built: Built) -> None:
    """Say that the engines in `folder` are complete.

    Raises Environment `cache_closed`, Fatal `engine_unavailable` when there are none.
    """
    try:
        files = _files(folder)
        if not files:
            raise Fatal(
                "TensorRT has built nothing of a model; see what docs/gpu.md says of trouble.",
                code="engine_unavailable",
                stage="engine",
            )
        unfinished = folder / f".{MANIFEST}"
        unfinished.write_bytes(orjson.dumps(Manifest(built, files), option=orjson.OPT_INDENT_2))
        unfinished.replace(folder / MANIFEST)
    except OSError as error:
        raise closed() from error


def cached(root: Path) -> list[Cached]:
    """Everything that lies in the cache, finished or not."""
    folders = (path for path in sorted(root.glob("*/*/*")) if path.is_dir() and path.name != TIMING)
    return [_cached(folder) for folder in folders]


def closed() -> Environment:
    return Environment(
        "The folder for built engines can't be written; correct engine.cache_directory, or its permissions.",
        code="cache_closed",
        stage="engine",
    )


def _cached(folder: Path) -> Cached:
    manifest, size = _read(folder), sum(_files(folder).values())
    if manifest is None:
        return Cached(folder, None, (), size)
    return Cached(folder, manifest.built, _changed(folder, manifest), size)


def _read(folder: Path) -> Manifest | None:
    """None for a folder that was not finished, or was by another release."""
    try:
        return _MANIFESTS.validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None


def _changed(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    there = _files(folder)
    return tuple(name for name, size in manifest.files.items() if there.get(name) != size)


def _files(folder: Path) -> dict[str, int]:
    """What was built, and its bytes. Links are left out: they lead to the model's own files (see `paddle_cache`)."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    sizes = {str(path.relative_to(folder)): path.stat().st_size for path in paths}
    return {name: size for name, size in sizes.items() if name not in (MANIFEST, f".{MANIFEST}")}


def _not_built(what: str) -> Fatal:
    return Fatal(f"{what}; run `pagestream engines build`.", code="engine_not_built", stage="engine")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "unknown"
