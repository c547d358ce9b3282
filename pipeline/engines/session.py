"""How a model becomes an onnxruntime session on exactly the device that was asked for.

No silent fallback: onnxruntime prints a warning and runs on the CPU when a provider can't start; here that is Fatal.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import onnxruntime as ort  # type: ignore[import-untyped]

from pipeline.errors import Fatal, Retryable
from pipeline.ocr.preprocess import Tensor

from .base import Device, EngineSettings, ModelStamp
from .gpu import absent_tensorrt, find_gpu, has_driver, preload, tensorrt_version
from .models import WEIGHTS, sha256_of
from .providers import NO_OPTIONS, PROVIDERS, providers

Session: TypeAlias = Any
"""`onnxruntime.InferenceSession`; the package carries no types."""


def open_session(model: Path | bytes, settings: EngineSettings, *, tensorrt: Mapping[str, str] = NO_OPTIONS) -> Session:
    """A session whose first provider is the one of `settings.device`.

    `tensorrt` adds to TensorRT's options (its shapes differ from model to model). Raises Fatal `engine_unavailable`
    when the provider is absent or doesn't start, `models_damaged` when the model can't be loaded.
    """
    require_device(settings.device, settings.device_id)
    source = model if isinstance(model, bytes) else str(model)
    try:
        session = ort.InferenceSession(
            source, _options(settings), providers=providers(settings, tensorrt), enable_fallback=0
        )
    except Exception as error:  # onnxruntime's errors share no root of their own
        if settings.device != "cpu":
            raise _unavailable(settings.device, "it does not start") from error
        raise Fatal(
            "A model can't be loaded; run `pagestream models verify`.", code="models_damaged", stage="engine"
        ) from error
    if session.get_providers()[0] != PROVIDERS[settings.device]:
        raise _unavailable(settings.device, "it does not start")
    return session


def require_device(device: Device, device_id: int) -> None:
    """Raises Fatal `engine_unavailable` when something that can be seen beforehand is missing."""
    missing = lacking(device, device_id)
    if missing is not None:
        raise _unavailable(device, missing)


def lacking(device: Device, device_id: int) -> str | None:
    """What this machine lacks for a device, in a few words, or None.

    The first thing that is missing: the build of onnxruntime, the driver, the GPU, libraries.
    """
    if PROVIDERS[device] not in ort.get_available_providers():
        return "this build of onnxruntime is without it"
    if device == "cpu":
        return None
    if not has_driver():
        return "no NVIDIA driver"
    if find_gpu(device_id) is None:
        return f"no GPU with number {device_id}"
    absent = preload() or (absent_tensorrt() if device == "tensorrt" else ())
    return f"missing: {', '.join(absent)}" if absent else None


def stamp(directory: Path, name: str, settings: EngineSettings) -> ModelStamp:
    """What results say of a model that `open_session` has opened."""
    runtime = f"onnxruntime {ort.__version__}, opencv {cv2.__version__}"  # either one changes a line now and then
    if settings.device == "tensorrt":
        runtime += f", tensorrt {tensorrt_version() or 'unknown'}"
    return ModelStamp(
        name=name,
        sha256=sha256_of(directory / WEIGHTS),
        runtime=runtime,
        device=settings.device,
        precision=settings.precision,
    )


def run_one(session: Session, tensor: Tensor) -> list[Any]:
    """One item through a model with one input: its outputs, in the model's order, without the batch axis.

    Safe on several threads at once. Raises Retryable `engine_failed`.
    """
    try:
        answers = session.run(None, {session.get_inputs()[0].name: tensor[None]})
    except Exception as error:  # onnxruntime's errors share no root of their own
        raise Retryable("A model failed on an item.", code="engine_failed", stage="engine") from error
    return [answer[0] for answer in answers]


def _options(settings: EngineSettings) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 3  # its warnings are written straight to stderr, past our logs
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # a pattern is kept for every shape seen, and ours vary without end
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _unavailable(device: Device, missing: str) -> Fatal:
    match device:
        case "cpu":
            message = "onnxruntime has no CPU provider; run `.venv/bin/pip install -e .` in the clone again."
        case "cuda":
            message = f"onnxruntime can't use CUDA here ({missing}); install what docs/gpu.md names."
        case "tensorrt":
            message = f"onnxruntime can't use TensorRT here ({missing}); install what docs/gpu.md names."
    return Fatal(message, code="engine_unavailable", stage="engine")
