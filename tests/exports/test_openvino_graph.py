from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from bertkit.exports.openvino_graph import to_int8, write_openvino

ROWS, WIDTH = 70, 64
TABLE = (np.random.default_rng(0).normal(size=(ROWS, WIDTH)) * 10.0 ** np.linspace(-3, 1, ROWS)[:, None]).astype("f4")
MATRIX = (np.random.default_rng(1).normal(size=(WIDTH, WIDTH)) * 10.0 ** np.linspace(-3, 1, WIDTH)).astype("f4")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A row of a table, times a matrix: as it is, and turned."""
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch"])
    out = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", WIDTH]) for name in ("row", "one", "two")]
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["row"]),
        helper.make_node("MatMul", ["row", "matrix"], ["one"]),
        helper.make_node("Gemm", ["row", "turned"], ["two"], transB=1),
    ]
    weights = {"table": TABLE, "matrix": MATRIX, "turned": np.ascontiguousarray(MATRIX.T)}
    named = [numpy_helper.from_array(weight, name) for name, weight in weights.items()]
    path = tmp_path / "model.onnx"
    graph = helper.make_graph(nodes, "g", [ids], out, named)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return path


@pytest.mark.parametrize("int8", [False, True])
def test_the_graph_computes_the_same(source: Path, tmp_path: Path, int8: bool) -> None:
    path = tmp_path / "openvino/openvino_model.xml"
    write_openvino(source, path, int8=int8)
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    ids = np.arange(ROWS)
    row, one, two = (compiled({"ids": ids})[name] for name in ("row", "one", "two"))
    for found, expected in ((row, TABLE), (one, TABLE @ MATRIX), (two, TABLE @ MATRIX)):
        scale = np.abs(expected).max(axis=1, keepdims=True)
        assert (np.abs(found - expected) / scale).max() < (0.03 if int8 else 1e-5)
    size = path.with_suffix(".bin").stat().st_size
    assert size < (0.3 if int8 else 1.1) * 4 * (ROWS + 2 * WIDTH) * WIDTH


def test_whole_numbers_and_their_scales() -> None:
    weight = np.array([[1.0, -2.0], [0.0, 0.0], [0.004, 0.001]], np.float32)
    whole, scale = to_int8(weight, axis=1)
    np.testing.assert_array_equal(whole, [[64, -127], [0, 0], [127, 32]])
    assert scale.shape == (3, 1)
    np.testing.assert_allclose(whole * scale, weight, atol=0.01)
    assert to_int8(weight, axis=0)[1].shape == (1, 2)
