"""The layout network is made quicker and stays the same; the graphs here are tiny but one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from pipeline.engines.base import EngineSettings
from pipeline.engines.layout_graph import layout_graph
from pipeline.engines.models import structure_directory
from pipeline.engines.session import open_session
from pipeline.errors import Fatal
from pipeline.ocr.layout import STRIDES

CPU = EngineSettings(models=Path("unused"))


def spelled(folder: Path, **numbers: float) -> Path:
    """y = x * clip(x + 3, 0, 6) / 6, or with other numbers."""
    values = {"three": 3.0, "zero": 0.0, "six": 6.0, "divisor": 6.0} | numbers
    steps = [
        helper.make_node("Add", ["x", "three"], ["sum"]),
        helper.make_node("Clip", ["sum", "zero", "six"], ["clipped"]),
        helper.make_node("Mul", ["x", "clipped"], ["product"]),
        helper.make_node("Div", ["product", "divisor"], ["y"]),
    ]
    graph = helper.make_graph(
        steps,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor(name, TensorProto.FLOAT, [], [number]) for name, number in values.items()],
    )
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def steps_of(model: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_from_string(model).graph.node]


def test_four_steps_become_two_with_the_same_answer(tmp_path: Path) -> None:
    """Below -3, above 3 and between, two steps answer what four did."""
    path, x = spelled(tmp_path), np.linspace(-5, 5, 101).astype(np.float32)
    model = layout_graph(path)
    assert steps_of(model) == ["HardSigmoid", "Mul"]
    ((before,), (after,)) = (open_session(source, CPU).run(None, {"x": x}) for source in (path, model))
    assert after == pytest.approx(before, abs=1e-6)


@pytest.mark.parametrize("numbers", [{"three": 2.0}, {"zero": 1.0}, {"six": 5.0}, {"divisor": 5.0}], ids=str)
def test_another_formula_is_left_alone(tmp_path: Path, numbers: dict[str, float]) -> None:
    """The same steps with other numbers are no hard swish."""
    assert steps_of(layout_graph(spelled(tmp_path, **numbers))) == ["Add", "Clip", "Mul", "Div"]


def test_what_is_no_model_is_damage(tmp_path: Path) -> None:
    """Bytes that are no graph are told by their code."""
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(Fatal) as refusal:
        layout_graph(tmp_path / "model.onnx")
    assert refusal.value.code == "models_damaged"


@pytest.mark.models
def test_the_layout_network_answers_as_before(models_directory: Path) -> None:
    """No formula of the kind is left in the network, and its answers have moved by less than 1e-4."""
    path = structure_directory(models_directory, "layout") / "inference.onnx"
    model = layout_graph(path)
    assert not {"Clip", "Div"} & set(steps_of(model))
    page = np.random.default_rng(5).normal(0, 1, (1, 3, 800, 608)).astype(np.float32)
    before, after = (open_session(source, CPU).run(None, {"image": page}) for source in (path, model))
    assert len(before) == len(after) == 8
    for one, other in zip(before, after, strict=True):
        assert np.abs(one - other).max() < 1e-4


@pytest.mark.models
@pytest.mark.parametrize("width", [256, 448, 608])
def test_the_layout_network_takes_narrow_pages(models_directory: Path, width: int) -> None:
    """It answers for every place of the width it is given, at all four strides."""
    session = open_session(layout_graph(structure_directory(models_directory, "layout") / "inference.onnx"), CPU)
    answers = session.run(None, {"image": np.zeros((1, 3, 800, width), np.float32)})
    places = [-(-800 // stride) * -(-width // stride) for stride in STRIDES]
    assert [answer.shape for answer in answers] == [(1, count, last) for last in (10, 32) for count in places]
