from __future__ import annotations

from pathlib import Path

from onnx import TensorProto, helper, save

from bertkit.exports.triton import write_triton


def test_names_and_shapes_are_those_of_the_graph(tmp_path: Path) -> None:
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])
    mask = helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "sequence"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence", 5])
    nodes = [helper.make_node("Identity", ["input_ids"], ["logits"])]
    save(helper.make_model(helper.make_graph(nodes, "g", [ids, mask], [logits])), tmp_path / "model.onnx")
    write_triton(tmp_path / "model.onnx", tmp_path / "config.pbtxt")
    assert (tmp_path / "config.pbtxt").read_text() == (
        "# Triton: put the graph at MODELS/NAME/1/model.onnx, this file at MODELS/NAME/config.pbtxt.\n"
        'platform: "onnxruntime_onnx"\n'
        "max_batch_size: 64\n"
        "input [\n"
        '  { name: "input_ids" data_type: TYPE_INT64 dims: [ -1 ] },\n'
        '  { name: "attention_mask" data_type: TYPE_INT64 dims: [ -1 ] }\n'
        "]\n"
        "output [\n"
        '  { name: "logits" data_type: TYPE_FP32 dims: [ -1, 5 ] }\n'
        "]\n"
        "dynamic_batching { }\n"
    )
