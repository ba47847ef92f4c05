from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForSequenceClassification

import bertkit
from bertkit.batching.packed import PackedBatch
from bertkit.compression.int8_form import int8_form
from bertkit.compression.layers import check_can_drop, least_missed, only_layers, with_layers
from bertkit.errors import UserError
from bertkit.inference.torch_backend import TorchBackend
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.saving import save_pretrained
from tests.exports.tiny_models import make_model
from tests.parity.bert_peer import Sizes
from tests.parity.task_peers import make_task_peer
from tests.parity.test_families import CASES

SIZES = Sizes(layers=4, segment_types=2)
BATCH = PackedBatch.of([[2, 17, 50, 3], [2, 30, 3]], [[0] * 4, [0] * 3])


def backend_of(folder: Path) -> TorchBackend:
    model = bertkit.load(folder, dtype="float32")
    return TorchBackend(model.network)


def test_the_layer_that_does_nothing_goes_first(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path, sizes=SIZES)
    tensors = {name: tensor.clone() for name, tensor in load_file(tmp_path / "model.safetensors").items()}
    for name in tensors:
        if "layer.2." in name and ("output.dense" in name):  # what attention and MLP add to their input
            tensors[name].zero_()
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    backend = backend_of(tmp_path)
    expected = [backend.run(BATCH)]
    first, _ = least_missed(backend, [BATCH], expected, 2)
    assert first == 2
    np.testing.assert_array_equal(backend.run(BATCH)[0], expected[0][0])


@pytest.mark.parametrize("name", [name for name in CASES if name != "albert"])
def test_the_checkpoint_is_what_was_tried(name: str, tmp_path: Path) -> None:
    folder = make_model(CASES[name], "feature-extraction", tmp_path / "model")
    source = open_pretrained(folder)
    kept = [0, source.config.layers - 1]
    backend = backend_of(folder)
    with only_layers(backend, kept):
        expected = backend.run(BATCH)
    save_pretrained(with_layers(source, kept), source.load_tokenizer(), tmp_path / "small")
    np.testing.assert_allclose(backend_of(tmp_path / "small").run(BATCH)[0], expected[0], atol=1e-6)
    if name != "nomic":  # whose classes are code of the hub's
        assert AutoModel.from_pretrained(tmp_path / "small").config.num_hidden_layers == 2


def test_transformers_computes_the_same(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path / "model", sizes=SIZES)
    source = open_pretrained(tmp_path / "model")
    save_pretrained(with_layers(source, [1, 3]), source.load_tokenizer(), tmp_path / "small")
    peer = AutoModelForSequenceClassification.from_pretrained(tmp_path / "small").eval()
    with torch.no_grad():
        theirs = peer(input_ids=torch.tensor([[2, 17, 50, 3]])).logits.numpy()
    np.testing.assert_allclose(backend_of(tmp_path / "small").run(BATCH)[0][:1], theirs, atol=1e-5)


def test_what_cannot_lose_layers(tmp_path: Path) -> None:
    source = open_pretrained(make_model(CASES["albert"], "feature-extraction", tmp_path / "albert"))
    with pytest.raises(UserError, match="share the weights of"):
        check_can_drop(source, 1)
    make_task_peer("text-classification", tmp_path / "model", sizes=SIZES)
    source = open_pretrained(tmp_path / "model")
    check_can_drop(source, 3)
    with pytest.raises(UserError, match="4 layers to drop, and the model has 4"):
        check_can_drop(source, 4)
    with pytest.raises(UserError, match="is int8 already"):
        check_can_drop(int8_form(source), 1)
