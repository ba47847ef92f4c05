from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import bertkit
from bertkit.errors import BadCheckpoint, BertkitError, ConfigError, MissingHead, UserError
from bertkit.pretrained.loading import find_folder, load_encoder, open_pretrained
from bertkit.pretrained.saving import save_pretrained
from bertkit.tasks.fill_mask import FillMask
from bertkit.tasks.next_sentence_prediction import NextSentencePrediction
from bertkit.tokenization.tokenizer import Tokenizer
from tests.parity.bert_peer import Sequences, Sizes, make_peer

SIZES = Sizes()
ENCODER_ONLY = ["feature-extraction", "sentence-embedding"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_peer(SIZES, tmp_path / "model")
    return tmp_path / "model"


def rewrite(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    path = folder / "model.safetensors"
    save_file(change({name: tensor.clone() for name, tensor in load_file(path).items()}), path)


def hidden(folder: Path) -> Tensor:
    with torch.inference_mode():
        return load_encoder(folder)(Sequences.random([3, 9, 1], SIZES).packed())


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


@pytest.mark.parametrize(("arguments", "said"), [((5,), "model is 5"), ((None, "main"), "revision is given, and no")])
def test_what_is_no_model_is_refused(arguments: tuple[Any, ...], said: str) -> None:
    with pytest.raises(UserError, match=said):
        find_folder(*arguments)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_old_spellings_are_read(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    expected = hidden(folder)
    rewrite(folder, change)
    assert torch.equal(hidden(folder), expected)
    pretrained = open_pretrained(folder)
    assert pretrained.heads == ("masked-lm", "next-sentence")
    assert pretrained.tasks() == ["fill-mask", "next-sentence-prediction", "sentence-embedding", "feature-extraction"]


def test_a_bin_file_is_read(folder: Path) -> None:
    expected = hidden(folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert torch.equal(hidden(folder), expected)


def test_half_precision_is_kept_until_it_is_asked_for(folder: Path) -> None:
    rewrite(folder, lambda tensors: {name: tensor.half() for name, tensor in tensors.items()})
    assert open_pretrained(folder).build_encoder().layers[0].mlp.up.weight.dtype == torch.float16
    assert load_encoder(folder).layers[0].mlp.up.weight.dtype == torch.float32


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


def test_a_missing_head_says_what_the_checkpoint_can_do(folder: Path) -> None:
    rewrite(folder, lambda tensors: {name: t for name, t in tensors.items() if not name.startswith("cls.predictions")})
    pretrained = open_pretrained(folder)
    assert pretrained.tasks()[0] == "next-sentence-prediction"
    with pytest.raises(MissingHead, match="no head for fill-mask") as caught:
        pretrained.build_head(FillMask(Tokenizer.load(folder)))
    assert caught.value.remedy == (
        "This checkpoint can do: next-sentence-prediction, sentence-embedding, feature-extraction."
    )


def test_without_a_pooler_there_is_no_next_sentence(folder: Path) -> None:
    rewrite(folder, lambda tensors: {name: tensor for name, tensor in tensors.items() if "pooler" not in name})
    pretrained = open_pretrained(folder)
    assert pretrained.build_encoder().pooler is None
    assert "next-sentence-prediction" not in pretrained.tasks()
    with pytest.raises(MissingHead):
        pretrained.build_head(NextSentencePrediction(Tokenizer.load(folder)))


def test_an_unknown_task_names_the_nearest(folder: Path) -> None:
    with pytest.raises(UserError, match=r"unknown task 'fil-mask' \(did you mean 'fill-mask'\?\)"):
        open_pretrained(folder).build_task("fil-mask", Tokenizer.load(folder))


def test_an_option_that_the_task_does_not_have_is_an_error(folder: Path) -> None:
    with pytest.raises(UserError, match="fill-mask has no option 'top_q'"):
        open_pretrained(folder).build_task("fill-mask", Tokenizer.load(folder), top_q=3)


def test_a_half_written_checkpoint(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BertkitError, match=r"model\.safetensors"):
        open_pretrained(folder)


def test_more_ids_than_embeddings_is_an_error(folder: Path) -> None:
    values = json.loads((folder / "config.json").read_text())
    (folder / "vocab.txt").write_text((folder / "vocab.txt").read_text() + "extra\n")
    with pytest.raises(BadCheckpoint, match="the tokenizer has 100 ids, the embedding 99 rows"):
        open_pretrained(folder).load_tokenizer()
    assert values["vocab_size"] == 99


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


def test_a_head_without_a_shape_is_refused(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors | {"cls.seq_relationship.weight": torch.tensor(0.5)})
    with pytest.raises(BertkitError, match=r"seq_relationship|next-sentence"):
        bertkit.load(folder, task="next-sentence-prediction")


def test_an_output_table_of_its_own_matters_to_what_reads_it_only(folder: Path, tmp_path: Path) -> None:
    expected = hidden(folder)
    values = json.loads((folder / "config.json").read_text()) | {"tie_word_embeddings": False}
    (folder / "config.json").write_text(json.dumps(values))
    assert torch.equal(hidden(folder), expected)
    pretrained = open_pretrained(folder)
    assert pretrained.tasks() == ["next-sentence-prediction", "sentence-embedding", "feature-extraction"]
    with pytest.raises(ConfigError, match=r"config\.json: tie_word_embeddings = False is not supported \(only True\)"):
        pretrained.build_head(FillMask(Tokenizer.load(folder)))
    save_pretrained(pretrained, Tokenizer.load(folder), tmp_path / "saved")
    saved = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert (saved["architectures"], saved["tie_word_embeddings"]) == (["BertForNextSentencePrediction"], False)
    assert torch.equal(hidden(tmp_path / "saved"), expected)
