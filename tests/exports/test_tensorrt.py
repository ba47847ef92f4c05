from __future__ import annotations

from pathlib import Path

from onnx import TensorProto, helper, save

from bertkit.exports.tensorrt import OPERATORS, unknown_operators


def test_operators_that_are_not_in_the_list_are_named(tmp_path: Path) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])
    y = helper.make_tensor_value_info("y", TensorProto.UINT8, [2, 3])
    nodes = [
        helper.make_node("Erf", ["x"], ["a"]),
        helper.make_node("DynamicQuantizeLinear", ["a"], ["y", "scale", "zero"]),
        helper.make_node("FusedGelu", ["x"], ["b"], domain="com.microsoft"),
    ]
    save(helper.make_model(helper.make_graph(nodes, "g", [x], [y])), tmp_path / "model.onnx")
    assert unknown_operators(tmp_path / "model.onnx") == ["DynamicQuantizeLinear", "com.microsoft.FusedGelu"]
    assert {"LayerNormalization", "Gather", "CumSum"} <= OPERATORS
