"""What crosses to a device and back: bytes in and out, through memory of the lane's own. The graphs here are tiny."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from pipeline.engines.base import EngineSettings
from pipeline.engines.binding import ALIGNED, Output, Staging, staging
from pipeline.engines.graph import ANSWERS, IMAGE, LEVELS, detector_graph, levels_for, recogniser_graph
from pipeline.engines.onnx_batched import crop_outputs
from pipeline.engines.providers import build_options, providers
from pipeline.engines.session import Session, open_session
from pipeline.engines.shapes import Profile
from pipeline.errors import Retryable
from pipeline.ocr.preprocess import CROP_STEP, Normalisation, normalise
from pipeline.ocr.text.alphabet import SIGNS, Alphabet
from pipeline.ocr.text.ctc import weights

NORMALISATION = Normalisation(1 / 255, (0.2, 0.4, 0.6), (0.5, 0.25, 0.125))
CPU = EngineSettings(models=Path("unused"))
ALPHABET = Alphabet.of(["é", "7"])
"""Of four classes: nothing, é, 7 and the space; all but the second are plain, the third is a sign."""


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    """Its map is the sigmoid of the first plane."""
    return _model(
        tmp_path,
        [
            helper.make_node("Slice", ["x", "zero", "one", "axis"], ["plane"]),
            helper.make_node("Sigmoid", ["plane"], ["y"]),
        ],
        ["b", 1, "h", "w"],
    )


@pytest.fixture
def recogniser(tmp_path: Path) -> Path:
    """The first three classes are planes, the fourth is the third again; steps are columns of the first row."""
    return _model(
        tmp_path,
        [
            helper.make_node("Slice", ["x", "zero", "one", "row_axis"], ["row"]),
            helper.make_node("Squeeze", ["row", "row_axis"], ["flat"]),
            helper.make_node("Transpose", ["flat"], ["steps"], perm=[0, 2, 1]),
            helper.make_node("Slice", ["steps", "row_axis", "last", "row_axis"], ["space"]),
            helper.make_node("Concat", ["steps", "space"], ["scores"], axis=2),
            helper.make_node("Softmax", ["scores"], ["y"], axis=2),
        ],
        ["b", "w", 4],
    )


def _model(folder: Path, nodes: list[onnx.NodeProto], shape: list[str | int]) -> Path:
    numbers = {"zero": 0, "one": 1, "axis": 1, "row_axis": 2, "last": 3}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [helper.make_tensor(name, TensorProto.INT64, [1], [number]) for name, number in numbers.items()],
    )
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), str(path))
    return path


def images(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, height, width, 3), np.uint8)


@given(st.floats(0.01, 0.99), st.floats(0, 1))
def test_rounding_keeps_what_is_above_the_threshold(threshold: float, probability: float) -> None:
    """A probability is above the threshold before it becomes a level when, and only when, it is so afterwards."""
    levels = levels_for(threshold)
    assume(abs(probability - threshold) > 1e-6)
    assert 0 < levels <= 255
    assert (np.round(probability * levels) / levels > threshold) == (probability > threshold)


def test_a_detector_answers_in_levels(detector: Path) -> None:
    """The map in bytes is the map that was, times the levels, rounded; normalised like a tensor of ours."""
    levels, batch = levels_for(0.3), images(2, 6, 5)
    session = open_session(detector_graph(detector, NORMALISATION, precision="f32", levels=levels), CPU)
    (answer,) = session.run([LEVELS], {IMAGE: batch})
    planes = np.stack([normalise(image, NORMALISATION)[0] for image in batch])
    assert answer.dtype == np.uint8
    assert np.abs(answer[:, 0] - levels / (1 + np.exp(-planes))).max() <= 0.5 + 1e-3


def test_a_recogniser_answers_with_the_best_class(recogniser: Path) -> None:
    """Best class and its probability, of all and of the plain ones, and what each sign has, as the host would have
    worked them out, and what the blank has; of a sign that is not in the alphabet, the blank's."""
    batch = images(2, 4, 7)
    (chances,) = open_session(recogniser, CPU).run(
        None, {"x": np.stack([normalise(image, NORMALISATION) for image in batch])}
    )
    all_of_them, plain = chances * weights(4), [0, 2, 3]
    session = open_session(recogniser_graph(recogniser, NORMALISATION, precision="f32", alphabet=ALPHABET), CPU)
    classes, probabilities, plain_classes, plain_probabilities, asked = session.run(ANSWERS, {IMAGE: batch})
    assert np.array_equal(classes, all_of_them.argmax(axis=2))
    assert probabilities == pytest.approx(all_of_them.max(axis=2), abs=1e-5)
    assert np.array_equal(plain_classes, np.array(plain)[all_of_them[..., plain].argmax(axis=2)])
    assert plain_probabilities == pytest.approx(all_of_them[..., plain].max(axis=2), abs=1e-5)
    assert asked == pytest.approx(chances[..., [*(2 if sign == "7" else 0 for sign in SIGNS), 0]], abs=1e-5)


def test_bytes_become_floats_before_anything_else(detector: Path) -> None:
    """TensorRT takes bytes only into a cast, so nothing else may touch them."""
    graph = onnx.load_from_string(detector_graph(detector, NORMALISATION, precision="f32", levels=255)).graph
    assert {node.op_type for node in graph.node if IMAGE in node.input} == {"Cast"}
    assert {node.op_type for node in graph.node if LEVELS in node.output} == {"Cast"}


def test_preparing_a_model_twice_gives_the_same_bytes(detector: Path) -> None:
    """Built engines are kept under a digest of the graph, which must not change from process to process."""
    first, second = (detector_graph(detector, NORMALISATION, precision="f32", levels=255) for _ in range(2))
    assert first == second


def bound(session: Session, memory: Staging, batch: np.ndarray) -> list[np.ndarray]:
    count, _, width, _ = batch.shape
    memory.batch(batch.shape)[:] = batch
    return memory.run(
        session, IMAGE, batch=memory.batch(batch.shape), outputs=crop_outputs(count, (1, width * CROP_STEP))
    )


def test_bound_memory_gives_the_same_answers(recogniser: Path) -> None:
    """Runs of any shape through one lane's memory answer as runs through memory of the session's own do."""
    session = open_session(recogniser_graph(recogniser, NORMALISATION, precision="f32", alphabet=ALPHABET), CPU)
    memory = staging(3 * 9 * 40 * 3, 3 * 40 * (2 * (8 + 4) + 4 * 65) + 5 * ALIGNED, "cpu")
    for shape in ((3, 9, 40), (1, 1, 1), (2, 4, 33), (3, 9, 40)):
        batch = images(*shape)
        expected = session.run(ANSWERS, {IMAGE: batch})
        for answer, wanted in zip(bound(session, memory, batch), expected, strict=True):
            assert answer.dtype == wanted.dtype
            assert np.array_equal(answer, wanted)
            assert np.shares_memory(answer, memory.outward)


def test_a_run_that_fails_may_pass_later(recogniser: Path) -> None:
    """A failure of the runtime is the batch's, with a code, and the lane goes on with the next."""
    session = open_session(recogniser_graph(recogniser, NORMALISATION, precision="f32", alphabet=ALPHABET), CPU)
    memory = staging(1000, 2000, "cpu")
    wrong = [Output(ANSWERS[0], (1, 99), np.int64)]
    with pytest.raises(Retryable) as failure:
        memory.run(session, IMAGE, batch=memory.batch((1, 2, 5, 3)), outputs=wrong)
    assert failure.value.code == "engine_failed"
    assert bound(session, memory, images(1, 2, 5))[0].shape == (1, 5)


def test_outputs_do_not_overlap() -> None:
    """Each output has its place; all begin where any type may."""
    outputs = [Output("a", (3, 5), np.int64), Output("b", (1,), np.uint8), Output("c", (7,), np.float32)]
    assert all(output.size % ALIGNED == 0 for output in outputs)
    assert [output.size for output in outputs] == [128, 64, 64]


PROFILE = Profile(8, ((48, 64), (48, 320)))


def test_tensorrt_is_given_the_shapes_it_will_see() -> None:
    """The profile's least and largest batch are TensorRT's bounds, under the name of the input."""
    options = build_options(IMAGE, PROFILE, "f16")
    assert options["trt_profile_min_shapes"] == "image:8x48x64x3"
    assert options["trt_profile_opt_shapes"] == options["trt_profile_max_shapes"] == "image:8x48x320x3"


@pytest.mark.parametrize(("precision", "value"), [("f16", "True"), ("f32", "False")])
def test_half_precision_is_what_was_asked_for(precision: str, value: str) -> None:
    """TensorRT works in halves when the settings say so; it spells its switches True and False, and refuses 1 and 0."""
    options = build_options(IMAGE, PROFILE, precision)  # type: ignore[arg-type]
    assert options["trt_fp16_enable"] == options["trt_layer_norm_fp32_fallback"] == value


@pytest.mark.parametrize(("device", "names"), [("cpu", "C"), ("cuda", "CC"), ("tensorrt", "TCC")])
def test_the_device_asked_for_comes_first(device: str, names: str) -> None:
    """The providers after it are for operators it does not have, in the order of their speed."""
    chosen = providers(EngineSettings(models=Path("unused"), device=device, device_id=3))  # type: ignore[arg-type]
    named = [entry if isinstance(entry, str) else entry[0] for entry in chosen]
    assert "".join(name[0] for name in named) == names
    assert named[-1] == "CPUExecutionProvider"
    assert all(options["device_id"] == "3" for _, options in chosen[:-1])
