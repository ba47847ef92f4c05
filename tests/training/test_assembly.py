from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from transformers import BertModel

from bertkit.config.encoder import EncoderConfig
from bertkit.errors import ConfigError, MissingHead, UnknownFamily
from bertkit.families.catalogue import find_family
from bertkit.pretrained.loading import open_pretrained
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.training.assembly import (
    TrainingModel,
    build_model,
    check_vocabularies,
    choose_precision,
    describe_model,
    masked_lm_head,
    share,
)
from bertkit.training.ranks import joined
from tests.corpora.shard_files import numbered_tokenizer
from tests.parity.bert_peer import Sizes, make_peer
from tests.training.in_process import CPU
from tests.training.runs import settings

MASKS = {"fill-mask": 1.0}
PAIRS = {"fill-mask": 1.0, "next-sentence-prediction": 1.0}
SIZES = {"width": 36, "heads": 3, "ffn_width": 37, "positions": {"length": 64}}
PEER = Sizes(layers=4, width=33, vocab_size=100, positions=64, segment_types=2)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return numbered_tokenizer(tmp_path_factory.mktemp("vocabulary"))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model to start from, saved by transformers."""
    folder = tmp_path_factory.mktemp("source")
    make_peer(PEER, folder)
    return folder


def described(
    tokenizer: Tokenizer, model: dict[str, object], objectives: dict[str, float] = PAIRS, length: int = 64
) -> EncoderConfig:
    return describe_model(settings({"model": model}).model, objectives, tokenizer, length)


def built(tokenizer: Tokenizer, model: dict[str, object], train: dict[str, object] | None = None) -> TrainingModel:
    config = settings({"model": model, "train": train or {}})
    return build_model(config, described(tokenizer, model), CPU)


@pytest.mark.parametrize("family", ["bert", "roberta", "electra", "albert", "modernbert", "distilbert"])
def test_presets(family: str, tokenizer: Tokenizer) -> None:
    presets = find_family(family, "test").presets
    assert presets
    for name, preset in presets.items():
        config = described(tokenizer, {"family": family, "preset": name}, MASKS)
        expected = preset.model_copy(update={"vocab_size": 100, "pooler": False})
        assert config == expected


def test_fields_replace_those_of_the_preset(tokenizer: Tokenizer) -> None:
    config = described(tokenizer, {"preset": "tiny", "encoder": {"hidden_dropout": 0.25, "activation": "relu"}})
    preset = find_family("bert", "test").presets["tiny"]
    expected = preset.model_copy(update={"vocab_size": 100, "hidden_dropout": 0.25, "activation": "relu"})
    assert config == expected


def test_layers_may_be_a_number(tokenizer: Tokenizer) -> None:
    assert described(tokenizer, {"encoder": {**SIZES, "layers": 5}}).layer_of_step == (0, 1, 2, 3, 4)
    assert described(tokenizer, {"encoder": {**SIZES, "layer_of_step": [0, 0, 1]}}).layer_of_step == (0, 0, 1)


@pytest.mark.parametrize(
    ("model", "words", "remedy"),
    [
        ({"preset": "tini"}, "model.preset: bert has no preset 'tini'.*tiny", "Choose from .*tiny"),
        ({}, "bert has no preset None", "model.encoder"),
        ({"preset": "tiny", "encoder": {"hidden_droput": 0.1}}, "hidden_droput.*hidden_dropout", ""),
        ({"preset": "tiny", "encoder": {"heads": 7}}, "not a multiple of heads 7", ""),
        ({"preset": "tiny", "encoder": {"vocab_size": 99}}, "vocab_size is 99, the shards' tokenizer has 100", ""),
        ({"preset": "tiny", "encoder": {"positions": {"length": 63}}}, "sequences of 64 tokens.* up to 63", "length"),
    ],
)
def test_what_cannot_be_described(model: dict[str, object], words: str, remedy: str, tokenizer: Tokenizer) -> None:
    with pytest.raises(ConfigError, match=words) as raised:
        described(tokenizer, model)
    assert re.search(remedy, raised.value.remedy or "")


def test_an_unknown_family(tokenizer: Tokenizer) -> None:
    with pytest.raises(UnknownFamily, match=r"model.family: .*'berd'.*bert"):
        described(tokenizer, {"family": "berd", "preset": "tiny"})


def test_a_larger_vocabulary_than_the_tokenizers(tokenizer: Tokenizer) -> None:
    assert described(tokenizer, {"preset": "tiny", "encoder": {"vocab_size": 128}}).vocab_size == 128


def test_a_pooler_only_where_it_is_read(tokenizer: Tokenizer) -> None:
    assert described(tokenizer, {"preset": "tiny"}, PAIRS).pooler
    assert not described(tokenizer, {"preset": "tiny"}, MASKS).pooler
    assert described(tokenizer, {"preset": "tiny", "encoder": {"pooler": True}}, MASKS).pooler


def test_the_same_seed_gives_the_same_weights(tokenizer: Tokenizer) -> None:
    model: dict[str, object] = {"encoder": {**SIZES, "layers": 2}}
    one, same, other = (built(tokenizer, model, {"seed": seed}).training_module.state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["encoder.embeddings.token.weight"], other["encoder.embeddings.token.weight"])


def test_start_from_a_folder(source: Path, tokenizer: Tokenizer) -> None:
    model = built(tokenizer, {"start": str(source)})
    theirs = open_pretrained(source)
    for name, tensor in theirs.build_encoder().state_dict().items():
        assert torch.equal(model.training_module.encoder.state_dict()[name], tensor), name
    head = masked_lm_head(theirs).state_dict()
    ours = model.training_module.each()[0].head
    assert ours is not None
    assert all(torch.equal(ours.state_dict()[name], tensor) for name, tensor in head.items())


def test_a_student_starts_from_some_layers(source: Path, tokenizer: Tokenizer) -> None:
    fields = {"width": 33, "heads": 3, "ffn_width": 37, "positions": {"length": 64}, "layers": 2}
    student = {"start": str(source), "layers_from": [3, 1], "encoder": fields}
    ours = built(tokenizer, student).training_module.encoder.state_dict()
    theirs = open_pretrained(source).build_encoder().state_dict()
    for name, tensor in ours.items():
        name = name.replace("layers.1.", "layers.one.").replace("layers.0.", "layers.3.").replace("one", "1")
        assert torch.equal(tensor, theirs[name]), name


def test_a_student_of_another_width(source: Path, tokenizer: Tokenizer) -> None:
    student = {"start": str(source), "layers_from": [0], "encoder": {**SIZES, "layers": 1}}
    with pytest.raises(ConfigError, match=r"33 in the teacher and .*36 in the student"):
        built(tokenizer, student)


@pytest.mark.parametrize("key", ["model.start", "train.distillation.teacher"])
def test_a_checkpoint_of_another_vocabulary(key: str, source: Path, tokenizer: Tokenizer) -> None:
    tables = {"model.start": {"model": {"start": str(source)}}}
    config = settings(tables.get(key, {"train": {"distillation": {"teacher": str(source)}}}))
    check_vocabularies(config, open_pretrained(source).load_tokenizer())
    with pytest.raises(ConfigError, match=rf"{key} .* has another vocabulary") as raised:
        check_vocabularies(config, tokenizer)
    assert "bertkit prepare" in raised.value.remedy


def test_a_start_without_the_head(source: Path, tmp_path: Path, tokenizer: Tokenizer) -> None:
    BertModel.from_pretrained(source).save_pretrained(tmp_path)
    (tmp_path / "vocab.txt").write_bytes((source / "vocab.txt").read_bytes())
    model = built(tokenizer, {"start": str(tmp_path)})
    theirs = open_pretrained(tmp_path)
    token = model.training_module.encoder.state_dict()["embeddings.token.weight"]
    assert torch.equal(token, theirs.build_encoder().state_dict()["embeddings.token.weight"])
    with pytest.raises(MissingHead):
        masked_lm_head(theirs)


def test_groups_of_ranks_must_divide_them(tokenizer: Tokenizer) -> None:
    model = built(tokenizer, {"encoder": {**SIZES, "layers": 2}})
    table = settings({"train": {"parallel": "hybrid", "shard_ranks": 2}}).train
    with joined(CPU) as ranks, pytest.raises(ConfigError, match="shard_ranks is 2, which does not divide 1"):
        share(model, table, ranks, "float32", lambda line: None)


def test_precision() -> None:
    assert choose_precision("bfloat16-weights", CPU) == "bfloat16-weights"
    assert choose_precision("auto", CPU) in ("float32", "bfloat16")
