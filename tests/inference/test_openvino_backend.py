from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import opset13

from bertkit.batching.packed import PackedBatch
from bertkit.checkpoints.graph_files import GraphFile
from bertkit.config.readout import Readout
from bertkit.errors import BadCheckpoint, DeviceError
from bertkit.inference.graph_backend import GraphUse
from bertkit.inference.openvino_backend import OpenVinoBackend

USE = GraphUse(Readout("token"), max_length=32, pad=0, words=5, width=2)
BATCH = PackedBatch.of([[1, 2, 3], [4]], [[0, 0, 0], [0]])


@pytest.fixture
def graph(tmp_path: Path) -> GraphFile:
    """Each token's row of a table: twice its id, and three times."""
    table = opset13.constant(np.array([[2 * id, 3 * id] for id in range(5)], np.float32))
    ids, mask = (opset13.parameter([-1, -1], np.int64) for _ in range(2))
    ids.output(0).set_names({"input_ids"})
    mask.output(0).set_names({"attention_mask"})
    result = opset13.result(opset13.gather(table, ids, opset13.constant(0)))
    result.output(0).set_names({"last_hidden_state"})
    path = tmp_path / "openvino_model.xml"
    openvino.save_model(openvino.Model([result], [ids, mask], "g"), path)
    return GraphFile(path, "openvino", "float32")


def test_it_computes_what_the_graph_says(graph: GraphFile) -> None:
    backend = OpenVinoBackend(graph, USE, "cpu")
    assert (backend.dtype, backend.device) == ("float32", "cpu")
    (found,) = backend.run(BATCH)
    np.testing.assert_array_equal(found, [[2, 3], [4, 6], [6, 9], [8, 12]])
    backend.close()


def test_threads_do_not_see_one_anothers_numbers(graph: GraphFile) -> None:
    backend = OpenVinoBackend(graph, USE)
    kept = backend.run(BATCH)[0]
    wrong = []

    def work(id: int) -> None:
        for _ in range(50):
            (found,) = backend.run(PackedBatch.of([[id] * 3], [[0] * 3]))
            wrong.extend([] if (found == [2 * id, 3 * id]).all() else [found])

    threads = [threading.Thread(target=work, args=(id,)) for id in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    np.testing.assert_array_equal(kept, [[2, 3], [4, 6], [6, 9], [8, 12]])


def test_a_damaged_file_is_named(graph: GraphFile) -> None:
    graph.path.write_text("<net>")
    with pytest.raises(BadCheckpoint, match=r"openvino_model\.xml: cannot be opened"):
        OpenVinoBackend(graph, USE)


def test_another_device_is_refused(graph: GraphFile) -> None:
    with pytest.raises(DeviceError, match="openvino does not compute on 'cuda'"):
        OpenVinoBackend(graph, USE, "cuda")
