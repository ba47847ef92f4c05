from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from bertkit.errors import BadExport
from bertkit.exports import onnx_graph
from bertkit.exports.onnx_graph import write_onnx
from bertkit.exports.padded_network import PaddedNetwork
from tests.inference.test_graph_backend import NETWORKS


@pytest.fixture(scope="module")
def program() -> PaddedNetwork:
    return PaddedNetwork(NETWORKS["spans"](), None).eval()


@pytest.fixture(scope="module")
def path(program: PaddedNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "onnx/model.onnx"
    write_onnx(program, path)
    return path


@pytest.fixture(scope="module")
def model(path: Path) -> onnx.ModelProto:
    return onnx.load(path)


def test_any_number_of_texts_of_any_length(program: PaddedNetwork, path: Path) -> None:
    session = onnxruntime.InferenceSession(path)
    random = torch.Generator().manual_seed(0)
    for rows, length in ((1, 1), (1, 21), (5, 2), (3, 8)):
        ids = torch.randint(1, 31, (rows, length), generator=random)
        mask = (torch.arange(length) < torch.randint(1, length + 1, (rows, 1), generator=random)).long()
        given = ids, mask, torch.randint(2, (rows, length), generator=random)
        found = session.run(
            None, {one: part.numpy() for one, part in zip(program.signature.inputs, given, strict=True)}
        )
        with torch.inference_mode():
            for one, right in zip(found, program(*given), strict=True):
                real = mask.bool().numpy()
                np.testing.assert_allclose(one[real], right.numpy()[real], atol=2e-5)


def test_names_and_shapes(model: onnx.ModelProto) -> None:
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 18)]
    assert model.producer_name == "bertkit"
    for one in (*model.graph.input, *model.graph.output):
        assert [size.dim_param for size in one.type.tensor_type.shape.dim] == ["batch", "sequence"], one.name
    assert {one.type.tensor_type.elem_type for one in model.graph.input} == {onnx.TensorProto.INT64}


def test_no_number_in_it_is_infinite_and_attention_is_plain(model: onnx.ModelProto) -> None:
    """Masks too: runtimes compute in float16, where an infinity times 0 is no number."""
    constants = [numpy_helper.to_array(one) for one in model.graph.initializer]
    values = (one for node in model.graph.node if node.op_type == "Constant" for one in node.attribute)
    constants += [numpy_helper.to_array(one.t) for one in values if one.type == onnx.AttributeProto.TENSOR]
    assert all(np.isfinite(one).all() for one in constants)
    assert min(one.min() for one in constants if one.size and one.dtype == np.float32) >= -6e4
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("Softmax") == 2
    assert not {"IsNaN", "If", "Loop", "Scan", "ScatterND", "ScatterElements"} & set(kinds)


def test_what_checks_do_not_pass_is_an_error(
    program: PaddedNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    def refused(*given: object, **how: object) -> None:
        raise onnx.checker.ValidationError("node 7 has no output\nand more")

    class Traced:
        model = onnx_ir_model(path)

    monkeypatch.setattr(onnx_graph, "_traced", lambda program: Traced)
    monkeypatch.setattr(onnx.checker, "check_model", refused)
    with pytest.raises(BadExport, match=r"is not valid ONNX: node 7 has no output$"):
        write_onnx(program, tmp_path / "model.onnx")


def test_weights_that_one_file_has_no_room_for_stand_beside_it(
    program: PaddedNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    class Traced:
        model = onnx_ir_model(path)

    monkeypatch.setattr(onnx_graph, "_traced", lambda program: Traced)
    monkeypatch.setattr(onnx_graph, "MOST_BYTES", 100)
    write_onnx(program, tmp_path / "onnx/model.onnx")
    names = sorted(file.name for file in (tmp_path / "onnx").iterdir())
    assert names == ["model.onnx", "model.onnx_data"]
    onnxruntime.InferenceSession(tmp_path / "onnx/model.onnx")


def onnx_ir_model(path: Path) -> object:
    import onnx_ir

    return onnx_ir.load(path)
