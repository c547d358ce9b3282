"""What onnxruntime is told about each device. Pure: dictionaries out of settings.

Names and values as onnxruntime's CUDA and TensorRT providers take them: CUDA has 0 and 1, TensorRT False and True.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .base import Device, EngineSettings, Precision
from .shapes import Profile, Size

PROVIDERS: dict[Device, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}

NO_OPTIONS: Mapping[str, str] = {}


def providers(settings: EngineSettings, tensorrt: Mapping[str, str] = NO_OPTIONS) -> list[Any]:
    """The providers of a session, the one asked for first. Those after it take the operators it has none for.

    `tensorrt` adds to TensorRT's options: they differ from model to model.
    """
    device_id = str(settings.device_id)
    cpu = PROVIDERS["cpu"]
    cuda = (
        PROVIDERS["cuda"],
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
            return [(PROVIDERS["tensorrt"], {"device_id": device_id, **tensorrt}), cuda, cpu]


def build_options(name: str, profile: Profile, precision: Precision) -> dict[str, str]:
    """What a TensorRT engine is built from, besides the graph. `name`: the graph's input, (count, height, width, 3).

    One engine serves all sizes of the profile and is tuned for the largest, which costs the most.
    """
    half = str(precision == "f16")
    return {
        "trt_fp16_enable": half,
        "trt_layer_norm_fp32_fallback": half,  # squares of activations leave the range of f16
        "trt_profile_min_shapes": _shape(name, profile.count, profile.least),
        "trt_profile_opt_shapes": _shape(name, profile.count, profile.most),
        "trt_profile_max_shapes": _shape(name, profile.count, profile.most),
    }


def cache_options(engines: Path, timing: Path) -> dict[str, str]:
    """Where TensorRT's engines are kept and looked for, and what it has measured on the way to them."""
    return {
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": str(engines),
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": str(timing),
    }


def _shape(name: str, count: int, size: Size) -> str:
    return f"{name}:{count}x{size[0]}x{size[1]}x3"
