from __future__ import annotations

import inspect
from pathlib import Path
from typing import get_overloads

import pytest

import bertkit
from bertkit.errors import DeviceError, UserError
from bertkit.inference import model
from bertkit.inference.backends import RunOptions, find_graph, open_backend
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


def test_the_overload_that_people_see_names_every_option() -> None:
    seen = inspect.signature(get_overloads(model.load)[-1]).parameters
    assert set(RunOptions.__annotations__) <= set(seen)


@pytest.mark.parametrize(("name", "value"), [("batch_tokens", 0), ("invariant", "yes"), ("explainable", 3)])
def test_other_values_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(UserError, match=name):
        bertkit.load(**{name: value})  # type: ignore[call-overload]
