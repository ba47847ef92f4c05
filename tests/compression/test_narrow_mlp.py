from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoModel

import bertkit
from bertkit.batching.packed import PackedBatch
from bertkit.compression.narrow_mlp import between_layers, check_can_narrow, narrowed
from bertkit.errors import UserError
from bertkit.inference.torch_backend import TorchBackend
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.saving import save_pretrained
from tests.exports.tiny_models import make_model
from tests.parity.bert_peer import Sizes
from tests.parity.task_peers import make_task_peer
from tests.parity.test_families import CASES

BATCH = PackedBatch.of([[2, 17, 50, 3], [2, 30, 3]], [[0] * 4, [0] * 3])


def backend_of(folder: Path) -> TorchBackend:
    return TorchBackend(bertkit.load(folder, dtype="float32").network)


def narrow_to(folder: Path, width: int, output: Path) -> TorchBackend:
    source, backend = open_pretrained(folder), backend_of(folder)
    with between_layers(backend.network) as seen:
        backend.run(BATCH)
    save_pretrained(narrowed(source, seen, width), source.load_tokenizer(), output)
    return backend_of(output)


@pytest.mark.parametrize("name", [*CASES])
def test_numbers_that_add_nothing_go(name: str, tmp_path: Path) -> None:
    """In every family: some are planted that are written and never read, at places that differ by layer."""
    folder = make_model(CASES[name], "feature-extraction", tmp_path / "model")
    source = open_pretrained(folder)
    table, width = source.table(source.family.encoder), source.config.ffn_width
    tensors = {tensor: value.clone() for tensor, value in source.tensors.items()}
    for layer in range(source.config.layers):
        row = next(row for row in table if row.ours == f"layers.{layer}.mlp.down.weight")
        tensors[row.theirs[0]][:, [layer, width - 1 - layer]] = 0.0
    stored = load_file(folder / "model.safetensors")
    by_name = {name.removeprefix(source.family.prefix): name for name in stored}
    save_file(
        stored | {by_name[name]: value for name, value in tensors.items()},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    expected = backend_of(folder).run(BATCH)[0]
    small = narrow_to(folder, width - 2, tmp_path / "small")
    np.testing.assert_allclose(small.run(BATCH)[0], expected, atol=1e-5)
    assert open_pretrained(tmp_path / "small").config.ffn_width == width - 2
    if name != "nomic":  # whose classes are code of the hub's
        AutoModel.from_pretrained(tmp_path / "small")


def test_what_numbers_add_on_average_stays(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path / "model", sizes=Sizes(layers=1, segment_types=2))
    path = tmp_path / "model/model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    layer = "bert.encoder.layer.0"
    tensors[f"{layer}.intermediate.dense.weight"][3] = 0.0  # always the same number
    tensors[f"{layer}.intermediate.dense.bias"][3] = 0.01
    save_file(tensors, path, {"format": "pt"})
    expected = backend_of(tmp_path / "model").run(BATCH)[0]
    width = open_pretrained(tmp_path / "model").config.ffn_width
    np.testing.assert_allclose(
        narrow_to(tmp_path / "model", width - 1, tmp_path / "small").run(BATCH)[0], expected, atol=1e-5
    )


def test_what_cannot_be_narrower(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path, sizes=Sizes(segment_types=2))
    source = open_pretrained(tmp_path)
    check_can_narrow(source, source.config.ffn_width - 1)
    with pytest.raises(UserError, match="and the model"):
        check_can_narrow(source, source.config.ffn_width)
