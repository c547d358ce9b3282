"""How a model's graph is changed so that little crosses to the device and back.

In goes the image as bytes, a quarter of the floats; the graph normalises it. Out of a detector comes its map in bytes,
too, and out of a recogniser the best class of each step and its probability, of all 18 710 and of the plain ones, and
the probabilities of letters, digits, separators and the blank, instead of one for each class.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import Fatal
from pipeline.ocr.preprocess import Normalisation
from pipeline.ocr.text.alphabet import Alphabet
from pipeline.ocr.text.ctc import weights

from .base import Precision

IMAGE, LEVELS = "image", "levels"
"""Names of the input, (batch, height, width, 3) uint8; and of the output of a detector, (batch, 1, height,
width) uint8."""

BEST, CHANCES = ("classes", "probabilities", "plain_classes", "plain_probabilities"), "sign_probabilities"
ANSWERS = (*BEST, CHANCES)
"""Names of the recogniser's outputs. `BEST`, (batch, steps): of each step the best class of all, int64, and its
probability, float32, and the same of the plain ones, as `Alphabet` has them; probabilities weighed
(`pipeline.ocr.text.ctc`). `CHANCES`, (batch, steps, 65) float32: those of `Alphabet.asked`."""


def detector_graph(model: Path, normalisation: Normalisation, *, precision: Precision, levels: float) -> bytes:
    """A detector that takes `IMAGE` and answers `LEVELS`: its probabilities times `levels` (`levels_for`), rounded."""
    graph = _load(model, precision)
    _take_images(graph, normalisation)
    _answer_levels(graph, levels)
    return bytes(graph.SerializeToString())


def levels_for(threshold: float) -> float:
    """Levels between probabilities 0 and 1, at most 255, such that `threshold` lies in the middle between two of them.

    What is above it before rounding is above it afterwards: the same boxes are found, in a quarter of the bytes.
    """
    below = math.floor(255 * threshold - 0.5)
    return min(255.0, (below + 0.5) / threshold) if below >= 0 else 255.0


def recogniser_graph(model: Path, normalisation: Normalisation, *, precision: Precision, alphabet: Alphabet) -> bytes:
    """A recogniser that takes `IMAGE` and answers `ANSWERS`."""
    graph = _load(model, precision)
    _take_images(graph, normalisation)
    _answer_best(graph, alphabet)
    return bytes(graph.SerializeToString())


def _load(model: Path, precision: Precision) -> Any:
    try:
        import onnx
        from onnxruntime.transformers import float16  # type: ignore[import-untyped]
    except ImportError as error:
        raise Fatal(
            "Models can't be prepared for full batches without onnx; run `make paddle` in the clone, which has it "
            "too, or on a GPU host install what docs/gpu.md names.",
            code="engine_unavailable",
            stage="engine",
        ) from error
    loaded = onnx.load(str(model))
    if precision == "f32":
        return loaded
    exact = [*float16.DEFAULT_OP_BLOCK_LIST, "Softmax"]  # its sum over 18 710 classes needs the range of f32
    return float16.convert_float_to_float16(loaded, keep_io_types=True, op_block_list=exact)


def _take_images(model: Any, normalisation: Normalisation) -> None:
    """bytes -> float32 -> channels first -> (pixel * scale - mean) / std -> the input there was. Floats come first:
    TensorRT takes bytes as input, but only to turn them into floats."""
    from onnx import TensorProto, helper, numpy_helper

    (old,) = model.graph.input
    height, width = (old.type.tensor_type.shape.dim[axis] for axis in (2, 3))
    sides = [dim.dim_value or dim.dim_param or name for dim, name in ((height, "height"), (width, "width"))]
    std = np.array(normalisation.std, np.float32).reshape(1, 3, 1, 1)
    mean = np.array(normalisation.mean, np.float32).reshape(1, 3, 1, 1)
    model.graph.initializer.extend(
        numpy_helper.from_array(array.astype(np.float32), name)
        for array, name in ((normalisation.scale / std, "image_factor"), (mean / std, "image_shift"))
    )
    steps = [
        helper.make_node("Cast", [IMAGE], ["image_floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["image_floats"], ["image_planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["image_planes", "image_factor"], ["image_scaled"]),
        helper.make_node("Sub", ["image_scaled", "image_shift"], [old.name]),
    ]
    for place, step in enumerate(steps):
        model.graph.node.insert(place, step)
    model.graph.input.remove(old)
    model.graph.input.append(helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, ["batch", *sides, 3]))


def _answer_levels(model: Any, levels: float) -> None:
    """probability * levels -> rounded -> bytes."""
    from onnx import TensorProto, helper, numpy_helper

    (old,) = model.graph.output
    model.graph.initializer.append(numpy_helper.from_array(np.array(levels, np.float32), "level_factor"))
    model.graph.node.extend(
        [
            helper.make_node("Mul", [old.name, "level_factor"], ["level_floats"]),
            helper.make_node("Round", ["level_floats"], ["level_steps"]),
            helper.make_node("Cast", ["level_steps"], [LEVELS], to=TensorProto.UINT8),
        ]
    )
    model.graph.output.remove(old)
    model.graph.output.append(
        helper.make_tensor_value_info(LEVELS, TensorProto.UINT8, ["batch", 1, "map_height", "map_width"])
    )


def _answer_best(model: Any, alphabet: Alphabet) -> None:
    """The best class of each step and its weighed probability, of all classes and of the plain ones; and the signs'."""
    from onnx import TensorProto, helper, numpy_helper

    (old,) = model.graph.output
    every = weights(len(alphabet.characters))
    for factors, classes, values in ((every, *BEST[:2]), (every * alphabet.plain, *BEST[2:])):
        model.graph.initializer.append(numpy_helper.from_array(factors, f"{classes}_factors"))
        weighed = f"{classes}_weighed"
        model.graph.node.append(helper.make_node("Mul", [old.name, f"{classes}_factors"], [weighed]))
        model.graph.node.append(helper.make_node("ArgMax", [weighed], [classes], axis=2, keepdims=0))
        model.graph.node.append(_largest(model, weighed, values))
    model.graph.initializer.append(numpy_helper.from_array(alphabet.asked, "asked"))
    model.graph.node.append(helper.make_node("Gather", [old.name, "asked"], [CHANCES], axis=2))
    model.graph.output.remove(old)
    for name, kind in zip(BEST, (TensorProto.INT64, TensorProto.FLOAT) * 2, strict=True):
        model.graph.output.append(helper.make_tensor_value_info(name, kind, ["batch", "steps"]))
    model.graph.output.append(
        helper.make_tensor_value_info(CHANCES, TensorProto.FLOAT, ["batch", "steps", len(alphabet.asked)])
    )


def _largest(model: Any, source: str, target: str) -> Any:
    from onnx import helper, numpy_helper

    version = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if version < 18:
        return helper.make_node("ReduceMax", [source], [target], axes=[2], keepdims=0)
    model.graph.initializer.append(numpy_helper.from_array(np.array([2], np.int64), f"{target}_axis"))
    return helper.make_node("ReduceMax", [source, f"{target}_axis"], [target], keepdims=0)
