"""The parity doctor names what is planted: a wrong epsilon, a lost token type, a wrong pooling; and graphs agree."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bertkit.config.comparing import CompareConfig
from bertkit.model.network import Network
from bertkit.workflows import compare as comparing
from bertkit.workflows.compare import ModelComparison, compare
from tests.exports.tiny_models import make_model, make_small
from tests.parity.test_families import CASES
from tests.pretrained.sentence_folders import change, make_base, sentence_folder


def found(a: Path, b: Path, **more: str) -> ModelComparison:
    return compare(CompareConfig(a=str(a), b=str(b), **more))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of four layers."""
    case = CASES["bert"].variant(num_hidden_layers=4)
    return make_model(case, "text-classification", tmp_path_factory.mktemp("model"))


@pytest.fixture
def copy(source: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(source, tmp_path / "copy"))


def test_a_copy_agrees(source: Path, copy: Path) -> None:
    one = found(source, copy)
    assert (one.parts_at, one.tokens, list(one.causes), list(one.settings)) == (None, None, [], [])
    assert [part.name for part in one.layers] == ["embeddings", "layer 0", "layer 1", "layer 2", "layer 3"]
    assert {part.difference for part in one.layers} == {0.0}
    assert one.verdict.startswith("they agree; the numbers: differs by at most 0.0e+00")
    assert json.loads(json.dumps(one.record()))["outputs"]["flipped"] == 0


def test_a_wrong_epsilon_in_layer_3(source: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Network] = []
    loaded = comparing._loaded

    def planted(name: str, task: str | None) -> object:
        model, network = loaded(name, task)
        assert network is not None
        if made:
            network.encoder.layers[3].mlp_norm.eps = 1e-3
        made.append(network)
        return model, network

    monkeypatch.setattr(comparing, "_loaded", planted)
    one = found(source, copy)
    assert one.parts_at == "layer 3"
    assert list(one.causes) == ["layers.3.mlp_norm.eps is 1e-07 in A, 0.001 in B"]
    assert "layers.3.mlp_norm.eps" in one.verdict


def test_a_token_type_that_the_tokenizer_lost(source: Path, copy: Path) -> None:
    change(copy / "tokenizer_config.json", model_input_names=["input_ids", "attention_mask"])
    one = found(source, copy)
    assert one.parts_at == "tokens"
    assert "has token type 1 in A, 0 in B" in one.verdict
    assert one.outputs is None


def test_a_token_type_that_the_weights_lost(source: Path, copy: Path) -> None:
    path = copy / "model.safetensors"
    tensors = load_file(path)
    tensors["bert.embeddings.token_type_embeddings.weight"] = torch.zeros_like(
        tensors["bert.embeddings.token_type_embeddings.weight"]
    )
    save_file(tensors, path, {"format": "pt"})
    one = found(source, copy)
    assert one.parts_at == "embeddings"
    assert one.causes[0].startswith("embeddings.segment.weight differs by up to")


def test_a_wrong_pooling(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    mean = sentence_folder(base, tmp_path / "mean", pooling={"pooling_mode_mean_tokens": True})
    first = sentence_folder(base, tmp_path / "first", pooling={"pooling_mode_cls_token": True})
    one = found(mean, first)
    assert {part.difference for part in one.layers} == {0.0}
    assert one.parts_at == "outputs"
    assert "pooling is ('mean',) in A, ('cls',) in B" in one.verdict


def test_another_word_of_the_vocabulary(source: Path, copy: Path) -> None:
    path = copy / "tokenizer.json"
    path.write_text(path.read_text().replace('"w1"', '"x1"'))
    rows = copy.parent / "rows.txt"
    rows.write_text("w1 w2\n")
    one = found(source, copy, data=str(rows))
    assert one.tokens == "input 1: token 1 is 'w1' in A, '[UNK]' by its number in B"


def test_another_head(source: Path, copy: Path) -> None:
    path = copy / "model.safetensors"
    tensors = load_file(path)
    tensors["classifier.bias"] = tensors["classifier.bias"] + 1.0
    save_file(tensors, path, {"format": "pt"})
    one = found(source, copy)
    assert one.parts_at == "outputs"
    assert list(one.causes) == ["head.classifier.bias differs by up to 1.0e+00"]


@pytest.mark.parametrize("task", ["question-answering", "fill-mask", "multiple-choice", "token-classification"])
def test_every_kind_of_row_is_made_up(task: str, tmp_path: Path) -> None:
    folder = make_small(task, tmp_path)
    one = found(folder, folder)
    assert one.parts_at is None
    assert one.texts >= 8
