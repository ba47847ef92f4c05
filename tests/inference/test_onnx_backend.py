from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from bertkit.batching.packed import PackedBatch
from bertkit.checkpoints.graph_files import GraphFile
from bertkit.config.readout import Readout
from bertkit.errors import BadCheckpoint, DeviceError
from bertkit.inference.graph_backend import GraphUse
from bertkit.inference.onnx_backend import OnnxBackend, choose_providers

USE = GraphUse(Readout("token"), max_length=32, pad=0, words=5, width=2)
ALL = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]


@pytest.fixture
def graph(tmp_path: Path) -> GraphFile:
    """Each token's row of a table: twice its id, and three times."""
    table = np.array([[2 * id, 3 * id] for id in range(5)], np.float32)
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])
    mask = helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "sequence"])
    out = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "sequence", 2])
    node = helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])
    made = helper.make_graph([node], "g", [ids, mask], [out], [numpy_helper.from_array(table, "table")])
    path = tmp_path / "model.onnx"
    save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    return GraphFile(path, "onnx", "float32")


def test_it_computes_what_the_graph_says(graph: GraphFile) -> None:
    backend = OnnxBackend(graph, USE, "cpu")
    assert (backend.dtype, backend.device) == ("float32", "cpu")
    (found,) = backend.run(PackedBatch.of([[1, 2, 3], [4]], [[0, 0, 0], [0]]))
    np.testing.assert_array_equal(found, [[2, 3], [4, 6], [6, 9], [8, 12]])
    backend.close()


def test_a_damaged_file_is_named(graph: GraphFile) -> None:
    graph.path.write_bytes(graph.path.read_bytes()[:40])
    with pytest.raises(BadCheckpoint, match=r"model\.onnx: cannot be opened"):
        OnnxBackend(graph, USE)


@pytest.mark.parametrize(
    ("device", "available", "chosen"),
    [
        ("auto", ALL, ALL),
        ("cuda", ALL[1:], ALL[1:]),
        ("cuda:0", ALL[1:], ALL[1:]),
        ("cpu", ALL, ALL[2:]),
        ("auto", ALL[2:], ALL[2:]),
    ],
)
def test_a_gpu_is_taken_where_the_library_has_one(device: str, available: list[str], chosen: list[str]) -> None:
    assert choose_providers(device, available) == chosen


def test_a_device_that_the_library_has_not_is_refused() -> None:
    for device in ("cuda", "mps"):
        with pytest.raises(DeviceError, match=f"does not compute on '{device}'"):
            choose_providers(device, ALL[2:])


def test_memory_of_the_largest_batch_is_not_kept_and_threads_are_those_asked_for(
    graph: GraphFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    session = onnxruntime.InferenceSession

    def noted(path: Path, options: onnxruntime.SessionOptions, **how: object) -> object:
        seen.append((options.enable_cpu_mem_arena, options.intra_op_num_threads))
        return session(path, options, **how)

    monkeypatch.setattr(onnxruntime, "InferenceSession", noted)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    OnnxBackend(graph, USE)
    monkeypatch.delenv("OMP_NUM_THREADS")
    OnnxBackend(graph, USE)
    assert seen == [(False, 3), (False, 0)]
