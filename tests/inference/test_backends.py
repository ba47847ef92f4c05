from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import DeviceError, UserError
from bertkit.inference.backends import find_graph, open_backend
from bertkit.inference.torch_backend import TorchBackend
from bertkit.pretrained.checkpoint import Pretrained
from bertkit.pretrained.loading import open_pretrained
from tests.exports.tiny_models import make_small


@pytest.fixture
def pretrained(tmp_path: Path) -> Pretrained:
    """A checkpoint with graphs beside its weights."""
    folder = make_small("feature-extraction", tmp_path)
    (folder / "onnx").mkdir()
    for name in ("model", "model_quantized"):
        (folder / f"onnx/{name}.onnx").touch()
    return open_pretrained(folder)


@pytest.mark.parametrize("name", ["auto", "torch", None])
def test_torch_where_there_are_weights(pretrained: Pretrained, name: str | None) -> None:
    task = pretrained.build_task("feature-extraction", pretrained.load_tokenizer())
    backend = open_backend(pretrained, task, name, dtype="float32", device="cpu")
    assert isinstance(backend, TorchBackend)


def test_the_most_exact_graph_unless_another_is_asked_for(pretrained: Pretrained) -> None:
    assert find_graph(pretrained, "onnx", "auto").path.name == "model.onnx"
    assert find_graph(pretrained, "auto", "int8").path.name == "model_quantized.onnx"
    with pytest.raises(DeviceError, match="no graph in bfloat16") as found:
        find_graph(pretrained, "onnx", "bfloat16")
    assert "the folder has float32, int8" in found.value.remedy


def test_an_unknown_name(pretrained: Pretrained) -> None:
    task = pretrained.build_task("feature-extraction", pretrained.load_tokenizer())
    with pytest.raises(UserError, match=r"unknown backend 'tourch' \(did you mean 'torch'\?\)"):
        open_backend(pretrained, task, "tourch")
