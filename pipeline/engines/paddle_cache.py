"""Where PaddleOCR finds what TensorRT has built for its models.

PaddleX keeps that beside the model, under one name for all GPUs, versions of TensorRT and precisions, and takes
whatever lies there. So each of these gets a folder of its own in our cache, with links to the model's files.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import Fatal

from . import engine_cache
from .base import EngineSettings
from .engine_cache import Built
from .gpu import find_gpu, tensorrt_version
from .models import sha256_of

PADDLE_WEIGHTS = "inference.pdiparams"


@dataclass(frozen=True, slots=True)
class Home:
    """A folder that PaddleOCR can take for the model's directory, and what it holds."""

    folder: Path
    built: Built


def home(directory: Path, name: str, settings: EngineSettings) -> Home:
    """For the model in `directory`, the GPU and the TensorRT that are here. Raises Fatal."""
    gpu = find_gpu(settings.device_id)
    if gpu is None or settings.cache is None:
        raise Fatal(
            "TensorRT needs a GPU and a folder for its engines; set engine.device_id and engine.cache_directory.",
            code="engine_unavailable",
            stage="engine",
        )
    version, digest = tensorrt_version() or "unknown", sha256_of(directory / PADDLE_WEIGHTS)
    runtime = f"paddle {_version('paddlepaddle-gpu')}, paddlex {_version('paddlex')}"
    key = engine_cache.key(digest.encode(), {"precision": settings.precision, "name": name}, runtime)
    built = Built(
        gpu=gpu.name,
        capability=gpu.capability,
        tensorrt=version,
        runtime=runtime,
        model=name,
        sha256=digest,
        precision=settings.precision,
        shapes="as its inference.yml says",
    )
    return Home(engine_cache.home_of(settings.cache, gpu, version) / f"paddle-{key}", built)


def link(directory: Path, folder: Path) -> None:
    """Make `folder`, with links to the files of the model. Raises Environment `cache_closed`."""
    engine_cache.make(folder)
    try:
        for file in directory.iterdir():
            target = folder / file.name
            if file.is_file() and not target.exists():
                target.unlink(missing_ok=True)  # a link to a file that is gone
                target.symlink_to(file.resolve())
    except OSError as error:
        raise engine_cache.closed() from error


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
