from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, save

from bertkit.exports.onnx_int8 import quantise

WIDTH = 64


def one_product(path: Path, weight: np.ndarray) -> None:  # type: ignore[type-arg]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", WIDTH])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", WIDTH])
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", [x], [y], [numpy_helper.from_array(weight, "w")])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)


def test_each_output_has_its_own_scale(tmp_path: Path) -> None:
    """Columns of very different size: with one scale for all of them the small ones would be lost."""
    random = np.random.default_rng(0)
    weight = (random.normal(size=(WIDTH, WIDTH)) * 10.0 ** np.linspace(-3, 1, WIDTH)).astype(np.float32)
    one_product(tmp_path / "float.onnx", weight)
    quantise(tmp_path / "float.onnx", tmp_path / "int8/model.onnx")
    x = random.normal(size=(8, WIDTH)).astype(np.float32)
    found = onnxruntime.InferenceSession(tmp_path / "int8/model.onnx").run(None, {"x": x})[0]
    expected = x @ weight
    errors = np.abs(found - expected).max(axis=0) / np.abs(expected).max(axis=0)
    assert errors.max() < 0.05
    assert (tmp_path / "int8/model.onnx").stat().st_size < (tmp_path / "float.onnx").stat().st_size / 2
