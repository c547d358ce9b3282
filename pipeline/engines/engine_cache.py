"""Where TensorRT's engines are kept, what each was built from, and whether the ones needed are there.

    <root>/<GPU>-<capability>/<TensorRT>/<key>/     engines of one model and profile, and what they are (`MANIFEST`)
    <root>/<GPU>-<capability>/<TensorRT>/timing/    what TensorRT has measured on this GPU, for all models

An engine fits one kind of GPU, one TensorRT and one graph. onnxruntime names its files after the graph's structure, not
after its weights, so models that differ in nothing else would be taken for one another: `key` tells them apart.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from pipeline.errors import Environment, Fatal

from .gpu import Gpu

MANIFEST = "engine.json"
"""Written last: a folder without it was not finished."""

TIMING = "timing"
KEY_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Built:
    """What a folder of the cache holds."""

    gpu: str
    capability: str
    tensorrt: str
    runtime: str
    model: str
    sha256: str
    precision: str
    shapes: str

    def __post_init__(self) -> None:
        if not all(isinstance(value, str) for value in asdict(self).values()):
            raise TypeError("a manifest holds text")


@dataclass(frozen=True, slots=True)
class Cached:
    """A folder of the cache and the bytes in it. `built` is None for one that was not finished."""

    folder: Path
    built: Built | None
    size: int


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
    if not (folder / MANIFEST).is_file():
        raise Fatal(
            "TensorRT's engines for this GPU and these models are not built; run `pagestream engines build`.",
            code="engine_not_built",
            stage="engine",
        )


def record(folder: Path, built: Built) -> None:
    """Say that the engines in `folder` are complete. Raises Environment `cache_closed`."""
    try:
        unfinished = folder / f".{MANIFEST}"
        unfinished.write_bytes(orjson.dumps(asdict(built), option=orjson.OPT_INDENT_2))
        unfinished.replace(folder / MANIFEST)
    except OSError as error:
        raise closed() from error


def make(folder: Path) -> None:
    """Raises Environment `cache_closed`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise closed() from error


def cached(root: Path) -> list[Cached]:
    """Everything that lies in the cache, finished or not."""
    folders = (path for path in sorted(root.glob("*/*/*")) if path.is_dir() and path.name != TIMING)
    return [Cached(folder, _read(folder / MANIFEST), _size(folder)) for folder in folders]


def closed() -> Environment:
    return Environment(
        "The folder for built engines can't be written; correct engine.cache_directory, or its permissions.",
        code="cache_closed",
        stage="engine",
    )


def _read(manifest: Path) -> Built | None:
    try:
        return Built(**orjson.loads(manifest.read_bytes()))
    except (OSError, ValueError, TypeError):  # unfinished, or of another release
        return None


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "unknown"
