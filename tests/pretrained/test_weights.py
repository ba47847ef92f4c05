from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import bertkit
from bertkit.errors import BadCheckpoint
from bertkit.pretrained.loading import load_encoder, open_pretrained
from tests.parity.bert_peer import make_peer
from tests.pretrained.small_folder import SIZES, hidden, rewrite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_peer(SIZES, tmp_path / "model")
    return tmp_path / "model"


def as_old_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    rename = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    return {re.sub("|".join(rename), lambda m: rename[m[0]], name): tensor for name, tensor in tensors.items()}


CHANGES: dict[str, Callable[[dict[str, Tensor]], dict[str, Tensor]]] = {
    "gamma and beta": as_old_names,
    "no prefix": lambda tensors: {name.removeprefix("bert."): tensor for name, tensor in tensors.items()},
    "position_ids": lambda tensors: tensors | {"bert.embeddings.position_ids": torch.arange(23)[None]},
    "a copy of the tied decoder": lambda tensors: tensors | {"cls.predictions.decoder.weight": torch.zeros(99, 33)},
    "bias under its other name": lambda tensors: {
        name.replace("cls.predictions.bias", "cls.predictions.decoder.bias"): tensor for name, tensor in tensors.items()
    },
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_old_spellings_are_read(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    expected = hidden(folder)
    rewrite(folder, change)
    assert torch.equal(hidden(folder), expected)
    pretrained = open_pretrained(folder)
    assert pretrained.heads == ("masked-lm", "next-sentence")
    assert pretrained.tasks() == ["fill-mask", "next-sentence-prediction", "sentence-embedding", "feature-extraction"]


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


ADDED: dict[str, tuple[str, Callable[[str], str]]] = {
    "data parallel": ("module.", lambda name: f"module.{name}"),
    "compiled": ("_orig_mod.", lambda name: f"_orig_mod.{name}"),
    "both": ("module._orig_mod.", lambda name: f"module._orig_mod.{name}"),
    "a trainer's": ("model.", lambda name: f"model.{name}"),
    "sentence-transformers": ("0.auto_model.", lambda name: f"0.auto_model.{name.removeprefix('bert.')}"),
    "twice its own": ("bert.", lambda name: f"bert.{name}"),
    "layers compiled": ("_orig_mod.", lambda name: re.sub(r"(layer\.\d+\.)", r"\1_orig_mod.", name)),
    "sharded": ("_fsdp_wrapped_module.", lambda name: name.replace("encoder.", "encoder._fsdp_wrapped_module.")),
}


@pytest.mark.parametrize(("added", "rename"), ADDED.values(), ids=ADDED)
def test_what_a_wrapper_added_to_the_names_is_named(folder: Path, added: str, rename: Callable[[str], str]) -> None:
    rewrite(folder, lambda tensors: {rename(name): tensor for name, tensor in tensors.items()})
    with pytest.raises(BadCheckpoint, match=re.escape(f"the tensors' names have {added!r} in them")) as caught:
        open_pretrained(folder)
    assert f"take {added!r} out of the names" in caught.value.remedy


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int64, torch.bool])
@pytest.mark.parametrize("name", ["bert.embeddings.word_embeddings.weight", "cls.seq_relationship.weight"])
def test_weights_of_whole_numbers_are_refused(folder: Path, name: str, dtype: torch.dtype) -> None:
    rewrite(folder, lambda tensors: tensors | {name: tensors[name].to(dtype)})
    with pytest.raises(BadCheckpoint, match=r"tensor \S+ is of (u?int\d+|bool), not of floating point"):
        bertkit.load(folder, task="next-sentence-prediction")


def test_the_table_of_names_is_its_own_inverse(folder: Path) -> None:
    pretrained = open_pretrained(folder)
    table = pretrained.table(pretrained.family.encoder)
    state = pretrained.build_encoder().state_dict()
    there = table.to_theirs(state)
    assert {name for name in there if not torch.equal(there[name], pretrained.tensors[name])} == set()
    back = table.to_ours(there, state, "here")
    assert all(torch.equal(back[name], state[name]) for name in state)
