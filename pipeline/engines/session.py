"""How a model becomes an onnxruntime session on exactly the device that was asked for.

No silent fallback: onnxruntime prints a warning and runs on the CPU when a provider can't start; here that is Fatal.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import cv2
import onnxruntime as ort  # type: ignore[import-untyped]

from pipeline.errors import Fatal

from .base import Device, EngineSettings, ModelStamp
from .models import WEIGHTS, sha256_of

_PROVIDERS: dict[Device, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}

Session: TypeAlias = Any
"""`onnxruntime.InferenceSession`; the package carries no types."""


def open_session(model: Path | bytes, settings: EngineSettings, *, tensorrt: dict[str, str] | None = None) -> Session:
    """A session whose first provider is the one of `settings.device`.

    `tensorrt` adds to TensorRT's options (its shapes differ from model to model). Raises Fatal `engine_unavailable`
    when the provider is absent or doesn't start, `models_damaged` when the model can't be loaded.
    """
    wanted = _PROVIDERS[settings.device]
    if wanted not in ort.get_available_providers():
        raise _unavailable(settings.device)
    source = model if isinstance(model, bytes) else str(model)
    try:
        session = ort.InferenceSession(source, _options(settings), providers=_providers(settings, tensorrt or {}))
    except Exception as error:  # onnxruntime's errors share no root of their own
        if settings.device != "cpu":
            raise _unavailable(settings.device) from error
        raise Fatal(
            "A model can't be loaded; run `pagestream models verify`.", code="models_damaged", stage="engine"
        ) from error
    if session.get_providers()[0] != wanted:
        raise _unavailable(settings.device)
    session.disable_fallback()
    return session


def stamp(directory: Path, name: str, settings: EngineSettings) -> ModelStamp:
    """What results say of a model that `open_session` has opened."""
    return ModelStamp(
        name=name,
        sha256=sha256_of(directory / WEIGHTS),
        runtime=f"onnxruntime {ort.__version__}, opencv {cv2.__version__}",  # either one changes a line now and then
        device=settings.device,
        precision=settings.precision,
    )


def _options(settings: EngineSettings) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 3  # its warnings are written straight to stderr, past our logs
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # a pattern is kept for every shape seen, and ours vary without end
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _providers(settings: EngineSettings, tensorrt: dict[str, str]) -> list[Any]:
    device_id = str(settings.device_id)
    cpu = "CPUExecutionProvider"
    cuda = (
        "CUDAExecutionProvider",
        {
            "device_id": device_id,
            "cudnn_conv_algo_search": "HEURISTIC",  # a timed search may choose differently in every process
            "arena_extend_strategy": "kSameAsRequested",
            "use_tf32": "0",
        },
    )
    match settings.device:
        case "cpu":
            return [cpu]
        case "cuda":
            return [cuda, cpu]
        case "tensorrt":
            return [("TensorrtExecutionProvider", _tensorrt(settings) | tensorrt), cuda, cpu]


def _tensorrt(settings: EngineSettings) -> dict[str, str]:
    options = {"device_id": str(settings.device_id), "trt_fp16_enable": str(int(settings.precision == "f16"))}
    if settings.cache is not None:
        settings.cache.mkdir(parents=True, exist_ok=True)
        folder = str(settings.cache)
        options |= {"trt_engine_cache_enable": "1", "trt_engine_cache_path": folder}
        options |= {"trt_timing_cache_enable": "1", "trt_timing_cache_path": folder}
    return options


def _unavailable(device: Device) -> Fatal:
    install = "run `.venv/bin/pip install -e '.[gpu]'` in the clone, and install the"
    match device:
        case "cpu":
            message = "onnxruntime has no CPU provider; run `.venv/bin/pip install -e .` in the clone again."
        case "cuda":
            message = f"onnxruntime can't use CUDA here; {install} CUDA and cuDNN libraries."
        case "tensorrt":
            message = f"onnxruntime can't use TensorRT here; {install} TensorRT libraries."
    return Fatal(message, code="engine_unavailable", stage="engine")
