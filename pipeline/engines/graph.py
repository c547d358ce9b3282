"""How a model's graph is changed so that little crosses to the device and back.

In goes the image as bytes, a quarter of the floats; the graph normalises it. Out of a recogniser come the best class of
each step and its probability, instead of a probability for each of 18 710 classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import Fatal
from pipeline.ocr.preprocess import Normalisation

from .base import Precision

IMAGE, CLASSES, PROBABILITIES = "image", "classes", "probabilities"
"""Names of the input, (batch, height, width, 3) uint8, and of the recogniser's outputs, (batch, steps)."""


def detector_graph(model: Path, normalisation: Normalisation, *, precision: Precision) -> bytes:
    """A detector that takes `IMAGE`. Its one output is as it was, (batch, 1, height, width) float32."""
    graph = _load(model, precision)
    _take_images(graph, normalisation)
    return bytes(graph.SerializeToString())


def recogniser_graph(model: Path, normalisation: Normalisation, *, precision: Precision) -> bytes:
    """A recogniser that takes `IMAGE` and answers `CLASSES` (int64) and `PROBABILITIES` (float32)."""
    graph = _load(model, precision)
    _take_images(graph, normalisation)
    _answer_best(graph)
    return bytes(graph.SerializeToString())


def _load(model: Path, precision: Precision) -> Any:
    try:
        import onnx
        from onnxruntime.transformers import float16  # type: ignore[import-untyped]
    except ImportError as error:
        raise Fatal(
            "Models can't be prepared for a GPU without onnx; run `.venv/bin/pip install -e '.[gpu]'` in the clone.",
            code="engine_unavailable",
            stage="engine",
        ) from error
    loaded = onnx.load(str(model))
    if precision == "f32":
        return loaded
    exact = [*float16.DEFAULT_OP_BLOCK_LIST, "Softmax"]  # its sum over 18 710 classes needs the range of f32
    return float16.convert_float_to_float16(loaded, keep_io_types=True, op_block_list=exact)


def _take_images(model: Any, normalisation: Normalisation) -> None:
    """bytes -> float32 -> channels first -> (pixel * scale - mean) / std -> the input there was."""
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
        helper.make_node("Transpose", [IMAGE], ["image_planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["image_planes"], ["image_floats"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["image_floats", "image_factor"], ["image_scaled"]),
        helper.make_node("Sub", ["image_scaled", "image_shift"], [old.name]),
    ]
    for place, step in enumerate(steps):
        model.graph.node.insert(place, step)
    model.graph.input.remove(old)
    model.graph.input.append(helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, ["batch", *sides, 3]))


def _answer_best(model: Any) -> None:
    from onnx import TensorProto, helper, numpy_helper

    (old,) = model.graph.output
    version = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if version < 18:
        largest = helper.make_node("ReduceMax", [old.name], [PROBABILITIES], axes=[2], keepdims=0)
    else:
        model.graph.initializer.append(numpy_helper.from_array(np.array([2], np.int64), "class_axis"))
        largest = helper.make_node("ReduceMax", [old.name, "class_axis"], [PROBABILITIES], keepdims=0)
    model.graph.node.extend([helper.make_node("ArgMax", [old.name], [CLASSES], axis=2, keepdims=0), largest])
    model.graph.output.remove(old)
    for name, kind in ((CLASSES, TensorProto.INT64), (PROBABILITIES, TensorProto.FLOAT)):
        model.graph.output.append(helper.make_tensor_value_info(name, kind, ["batch", "steps"]))
