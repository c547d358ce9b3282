"""Which GPU a number means, which of NVIDIA's libraries are here, and memory that copies to a GPU need no detour for.

Asked of the libraries themselves through ctypes: the driver numbers GPUs as CUDA does, CUDA_VISIBLE_DEVICES included,
which `nvidia-smi` does not; and the version that counts is that of the library that is loaded.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import io
import re
import weakref
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from pipeline.errors import Fatal

DRIVER = "libcuda.so.1"
TENSORRT = ("libnvinfer.so.10", "libnvonnxparser.so.10")
"""What onnxruntime's TensorRT provider is linked to, up to and with 1.31 (`readelf -d` of the provider)."""

_TENSORRT_FOLDER = "tensorrt_libs"
"""Where NVIDIA's Python packages put them; no loader looks there by itself."""

_CAPABILITY = (75, 76)
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of the driver's interface."""

_PORTABLE = 1
"""cudaHostAllocPortable: page-locked for every context of this process."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """`name` as the driver gives it ("NVIDIA H200"; part of a card has a name of its own), `capability` like "9.0"."""

    name: str
    capability: str


def find_gpu(device_id: int) -> Gpu | None:
    """The GPU CUDA would take for this number, or None without a driver or without that GPU."""
    driver, device = _library(DRIVER), ctypes.c_int()
    if driver is None or driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), device_id):
        return None
    name = ctypes.create_string_buffer(256)
    driver.cuDeviceGetName(name, len(name), device)
    major, minor = (_attribute(driver, number, device) for number in _CAPABILITY)
    return Gpu(name.value.decode(errors="replace"), f"{major}.{minor}")


def has_driver() -> bool:
    return _library(DRIVER) is not None


def tensorrt_version() -> str | None:
    """Of the library that onnxruntime would load, such as "10.15.1"; None where it is missing."""
    preload()
    library = _library(TENSORRT[0])
    if library is None:
        return None
    number = int(library.getInferLibVersion())
    return f"{number // 10_000}.{number // 100 % 100}.{number % 100}"


@cache
def preload() -> tuple[str, ...]:
    """Load the libraries that came as Python packages, where no loader would look. Answers with those of CUDA and cuDNN
    that can't be had; once a process."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):  # it prints, and our output is for programs
        ort.preload_dlls()
    package = importlib.util.find_spec(_TENSORRT_FOLDER)
    for folder in package.submodule_search_locations or () if package is not None else ():
        for name in TENSORRT:
            _library(str(Path(folder) / name))
    return tuple(sorted(set(re.findall(r"lib\w+\.so[.\d]*(?=: cannot open)", told.getvalue()))))


def absent_tensorrt() -> tuple[str, ...]:
    preload()
    return tuple(name for name in TENSORRT if _library(name) is None)


def page_locked(size: int) -> NDArray[np.uint8]:
    """`size` bytes that the GPU copies from and to directly; given back with the array. Raises Fatal."""
    library = _library(f"libcudart.so.{str(ort.cuda_version).split('.')[0]}")  # a session has loaded it already
    pointer = ctypes.c_void_p()
    if library is None or library.cudaHostAlloc(ctypes.byref(pointer), ctypes.c_size_t(size), _PORTABLE):
        raise Fatal(
            "The GPU's runtime gives no page-locked memory; allow the process more memory, or use fewer lanes.",
            code="engine_unavailable",
            stage="engine",
        )
    held = (ctypes.c_uint8 * size).from_address(pointer.value or 0)
    freeing = weakref.finalize(held, library.cudaFreeHost, pointer)  # views of the array keep `held`
    freeing.atexit = False  # lanes may still be at work when the process ends
    return np.frombuffer(memoryview(held), np.uint8)


def _attribute(driver: Any, number: int, device: ctypes.c_int) -> int:
    value = ctypes.c_int()
    driver.cuDeviceGetAttribute(ctypes.byref(value), number, device)
    return value.value


def _library(name: str) -> Any:
    """None where it can't be loaded."""
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None
