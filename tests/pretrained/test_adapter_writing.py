from __future__ import annotations

import json
from pathlib import Path

import torch

from bertkit.checkpoints.stored import StoredTensors
from bertkit.pretrained.adapter_writing import write_adapter
from bertkit.pretrained.adapters import Adapter, Base, read_adapter
from bertkit.pretrained.sentence_transformers import CrossEncoderSettings, Prompts, SentenceSettings


def test_what_is_written_is_read(tmp_path: Path) -> None:
    tensors = {"pooler.dense.weight": torch.randn(3, 3), "head.classifier.weight": torch.randn(2, 3)}
    base = Base(folder="../base", absolute="/base")
    adapter = Adapter(base, "ab", "text-classification", 0.5, {"id2label": {"0": "a"}}, StoredTensors.of(tensors))
    (tmp_path / "a").mkdir()
    (tmp_path / "a/older").write_text("")
    write_adapter(adapter, tmp_path / "a", "# Card")
    found = read_adapter(tmp_path / "a")
    assert found is not None
    assert (found.base, found.base_sha256, found.head_name, found.scale) == (base, "ab", "text-classification", 0.5)
    assert found.values == adapter.values
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in tensors.items())
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "README.md",
        "adapter.json",
        "adapter.safetensors",
    ]


def test_the_settings_of_its_task_go_with_it(tmp_path: Path) -> None:
    adapter = Adapter(None, "ab", None, 1.0, {}, StoredTensors.of({}))
    write_adapter(adapter, tmp_path / "vectors", "", SentenceSettings(normalize=True), None, 8)
    names = {path.name for path in (tmp_path / "vectors").iterdir()}
    assert {"modules.json", "1_Pooling", "2_Normalize"} <= names
    write_adapter(adapter, tmp_path / "scores", "", None, CrossEncoderSettings("tanh", Prompts({"q": "w "}, "q")), 8)
    values = json.loads((tmp_path / "scores/adapter.json").read_text())["values"]
    assert values == {"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Tanh"}}
