from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

import bertkit
from bertkit.errors import BadCheckpoint
from bertkit.pretrained.loading import load_encoder
from tests.parity.bert_peer import make_peer
from tests.pretrained.small_folder import SIZES, rewrite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_peer(SIZES, tmp_path / "model")
    return tmp_path / "model"


def test_a_wrong_shape_is_named(folder: Path) -> None:
    name = "bert.encoder.layer.1.attention.self.key.weight"
    rewrite(folder, lambda tensors: tensors | {name: torch.zeros(33, 31)})
    with pytest.raises(BadCheckpoint) as caught:
        load_encoder(folder)
    assert str(caught.value) == (
        f"{folder}: tensor encoder.layer.1.attention.self.key.weight has shape (33, 31), "
        "the configuration says (33, 33)"
    )


def test_missing_tensors_are_named(folder: Path) -> None:
    rewrite(folder, lambda tensors: {name: tensor for name, tensor in tensors.items() if "layer.1.output" not in name})
    with pytest.raises(BadCheckpoint, match=re.escape("no tensor encoder.layer.1.output.dense.weight and 3 more")):
        load_encoder(folder)


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int64, torch.bool])
@pytest.mark.parametrize("name", ["bert.embeddings.word_embeddings.weight", "cls.seq_relationship.weight"])
def test_weights_of_whole_numbers_are_refused(folder: Path, name: str, dtype: torch.dtype) -> None:
    rewrite(folder, lambda tensors: tensors | {name: tensors[name].to(dtype)})
    with pytest.raises(BadCheckpoint, match=r"tensor \S+ is of (u?int\d+|bool), not of floating point"):
        bertkit.load(folder, task="next-sentence-prediction")
