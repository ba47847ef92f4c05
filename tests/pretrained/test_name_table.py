from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bertkit.errors import BadCheckpoint
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.weights import to_ours
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


def test_the_table_of_names_is_its_own_inverse(folder: Path) -> None:
    pretrained = open_pretrained(folder)
    table = pretrained.table(pretrained.family.encoder)
    state = pretrained.build_encoder().state_dict()
    there = table.to_theirs(state)
    assert {name for name in there if not torch.equal(there[name], pretrained.tensors[name])} == set()
    back = to_ours(table, there, state, "here")
    assert all(torch.equal(back[name], state[name]) for name in state)
    assert table.shapes(pretrained.tensors.headers) == {name: tuple(tensor.shape) for name, tensor in state.items()}
