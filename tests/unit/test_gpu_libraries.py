"""Asking NVIDIA's libraries, with stand-ins for them: the interfaces are C's, so stand-ins take pointers too."""

from __future__ import annotations

import ctypes
import gc
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.engines import gpu, session
from pipeline.engines.binding import staging
from pipeline.engines.gpu import Gpu, find_gpu, page_locked, tensorrt_version
from pipeline.errors import Fatal

NO_DEVICE = 100
"""CUDA_ERROR_NO_DEVICE."""


class Driver:
    """One GPU, number 0."""

    def cuInit(self, flags: int) -> int:
        return 0

    def cuDeviceGet(self, device: Any, ordinal: int) -> int:
        device._obj.value = 7
        return 0 if ordinal == 0 else NO_DEVICE

    def cuDeviceGetName(self, name: Any, length: int, device: ctypes.c_int) -> int:
        name.value = b"NVIDIA H200"
        return 0

    def cuDeviceGetAttribute(self, value: Any, number: int, device: ctypes.c_int) -> int:
        value._obj.value = {75: 9, 76: 0}[number]
        return 0


class Runtime:
    """Gives memory of the process until `left` is used up, and counts what is out."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.out: dict[int, object] = {}

    def cudaHostAlloc(self, pointer: Any, size: ctypes.c_size_t, flags: int) -> int:
        if size.value > self.left:
            return 2
        memory = (ctypes.c_uint8 * size.value)()
        pointer._obj.value = ctypes.addressof(memory)
        self.out[ctypes.addressof(memory)] = memory
        return 0

    def cudaFreeHost(self, pointer: ctypes.c_void_p) -> int:
        del self.out[pointer.value or 0]
        return 0


def use(monkeypatch: pytest.MonkeyPatch, **libraries: object) -> None:
    """Only these libraries can be loaded, by the first part of their names."""
    monkeypatch.setattr(gpu, "_library", lambda name: libraries.get(name.split(".")[0]))
    monkeypatch.setattr(gpu, "preload", lambda: ())


def test_a_gpu_is_asked_for_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name and capability come from the driver, by CUDA's number; a number it does not have is no GPU."""
    use(monkeypatch, libcuda=Driver())
    assert find_gpu(0) == Gpu("NVIDIA H200", "9.0")
    assert find_gpu(1) is None


def test_without_a_driver_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing driver, or one that finds no card, is an answer and no error."""
    use(monkeypatch)
    assert find_gpu(0) is None
    use(monkeypatch, libcuda=SimpleNamespace(cuInit=lambda flags: NO_DEVICE))
    assert find_gpu(0) is None


@pytest.mark.parametrize(("number", "version"), [(101501, "10.15.1"), (100900, "10.9.0"), (110400, "11.4.0")])
def test_tensorrt_says_its_version(monkeypatch: pytest.MonkeyPatch, number: int, version: str) -> None:
    """The library's number, two digits each for minor and patch, is read as a version."""
    use(monkeypatch, libnvinfer=SimpleNamespace(getInferLibVersion=lambda: number))
    assert tensorrt_version() == version


def test_without_tensorrt_there_is_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that can't be loaded has none."""
    use(monkeypatch)
    assert tensorrt_version() is None


def test_page_locked_memory_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ours while any view of it lives, and freed with the last."""
    runtime = Runtime(1000)
    monkeypatch.setattr(gpu.ort, "cuda_version", "13.0", raising=False)
    use(monkeypatch, libcudart=runtime)
    memory = page_locked(64)
    view = memory[8:16].view(np.int64)
    view[0] = 5
    del memory
    gc.collect()
    assert view[0] == 5
    assert len(runtime.out) == 1
    del view
    gc.collect()
    assert runtime.out == {}


def test_memory_that_is_not_given_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without page-locked memory a GPU engine does not start: it would be slow, and nobody would know why."""
    monkeypatch.setattr(gpu.ort, "cuda_version", "13.0", raising=False)
    for libraries in ({}, {"libcudart": Runtime(10)}):
        use(monkeypatch, **libraries)
        with pytest.raises(Fatal, match="fewer lanes") as refusal:
            staging(64, 64, "cuda")
        assert refusal.value.code == "engine_unavailable"


def test_libraries_are_looked_for_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    """onnxruntime prints what it does not find; output of ours is for programs."""
    gpu.preload.cache_clear()
    gpu.preload()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("libraries", "providers", "told"),
    [
        ({}, ["CPUExecutionProvider"], "this build of onnxruntime is without it"),
        ({}, ["TensorrtExecutionProvider"], "no NVIDIA driver"),
        (
            {"libcuda": SimpleNamespace(cuInit=lambda _: NO_DEVICE)},
            ["TensorrtExecutionProvider"],
            "no GPU with number 0",
        ),
        ({"libcuda": Driver()}, ["TensorrtExecutionProvider"], "missing: libnvinfer.so.10, libnvonnxparser.so.10"),
        ({"libcuda": Driver(), "libnvinfer": 1, "libnvonnxparser": 1}, ["TensorrtExecutionProvider"], None),
    ],
)
def test_what_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, libraries: dict[str, object], providers: list[str], told: str | None
) -> None:
    """The first thing that TensorRT lacks here is named: build, driver, GPU, libraries; nothing where all is there."""
    use(monkeypatch, **libraries)
    monkeypatch.setattr(session, "preload", lambda: ())
    monkeypatch.setattr(session.ort, "get_available_providers", lambda: providers)
    assert session.lacking("tensorrt", 0) == told


def test_libraries_of_cuda_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What onnxruntime could not load is in the refusal."""
    monkeypatch.setattr(session, "preload", lambda: ("libcublas.so.13", "libcudart.so.13"))
    monkeypatch.setattr(session, "has_driver", lambda: True)
    monkeypatch.setattr(session, "find_gpu", lambda _: Gpu("NVIDIA H200", "9.0"))
    monkeypatch.setattr(session.ort, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    with pytest.raises(Fatal, match=r"missing: libcublas\.so\.13, libcudart\.so\.13"):
        session.require_device("cuda", 0)
