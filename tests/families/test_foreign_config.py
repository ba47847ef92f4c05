from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import BertConfig

from bertkit.errors import ConfigError, ModelNotFound, UnknownFamily, UserError
from bertkit.families import albert
from bertkit.families.bert import FAMILY
from bertkit.families.foreign_config import read_config, write_config, write_tensorflow_config

GOOGLE = {
    "attention_probs_dropout_prob": 0.1,
    "directionality": "bidi",
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 768,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "pooler_fc_size": 768,
    "type_vocab_size": 2,
    "vocab_size": 30522,
}


def folder_with(tmp_path: Path, values: object, name: str = "config.json") -> Path:
    (tmp_path / name).write_text(json.dumps(values))
    return tmp_path


def test_google_shipped_no_model_type(tmp_path: Path) -> None:
    config = read_config(folder_with(tmp_path, GOOGLE, "bert_config.json"))
    assert config.encoder == FAMILY.presets["base"]
    assert config.unread == ()


def test_google_wrote_no_more_than_this(tmp_path: Path) -> None:
    layout = FAMILY.tensorflow
    assert layout is not None
    values = {**GOOGLE, **write_config(FAMILY, FAMILY.presets["base"])}
    assert write_tensorflow_config(FAMILY, layout, values) == GOOGLE
    unlike = {**values, "layer_norm_eps": 1e-5, "model_type": "other", "is_decoder": True}
    kept = {"layer_norm_eps": 1e-5, "model_type": "other", "is_decoder": True}
    assert write_tensorflow_config(FAMILY, layout, unlike) == GOOGLE | kept


def test_the_hubs_file_comes_before_googles(tmp_path: Path) -> None:
    folder_with(tmp_path, GOOGLE | {"hidden_size": 24}, "bert_config.json")
    assert read_config(folder_with(tmp_path, GOOGLE | {"model_type": "bert"})).encoder.width == 768


@pytest.mark.parametrize("size", FAMILY.presets)
def test_written_configs_read_back_and_open_in_transformers(tmp_path: Path, size: str) -> None:
    encoder = FAMILY.presets[size]
    folder = folder_with(tmp_path, write_config(FAMILY, encoder))
    assert read_config(folder).encoder == encoder
    theirs = BertConfig.from_pretrained(folder)
    assert (theirs.num_hidden_layers, theirs.intermediate_size) == (encoder.layers, encoder.ffn_width)


def test_what_transformers_writes_is_read_whole(tmp_path: Path) -> None:
    BertConfig(hidden_act="gelu_new", layer_norm_eps=1e-5, num_labels=5, num_hidden_layers=3).save_pretrained(tmp_path)
    config = read_config(tmp_path)
    assert config.unread == ()
    assert (config.encoder.activation, config.encoder.norm_eps, config.encoder.layers) == ("gelu_tanh", 1e-5, 3)


def test_keys_left_out_mean_what_transformers_assumes(tmp_path: Path) -> None:
    assert read_config(folder_with(tmp_path, {"model_type": "bert"})).encoder == FAMILY.presets["base"]


@pytest.mark.parametrize("key", ["colour", "embedding_size", "hidden_dropout", "rescale_embeddings", "hiden_size"])
def test_unknown_keys_are_listed_however_near_they_are_to_known_ones(tmp_path: Path, key: str) -> None:
    config = read_config(folder_with(tmp_path, {"model_type": "bert", key: 8}))
    assert (config.unread, config.encoder) == ((key,), FAMILY.presets["base"])


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"model_type": "brt"}, UnknownFamily, "unknown model_type 'brt' (did you mean 'bert'?)"),
        (
            {"model_type": "deberta-v2"},
            UnknownFamily,
            "no family 'deberta-v2'; nearest is 'bert', without attention to content and position apart",
        ),
        ({"model_type": "gpt-neox"}, UnknownFamily, "unknown model_type 'gpt-neox'"),
        ({}, ConfigError, "no model_type"),
        ({"model_type": "bert", "hidden_size": "5"}, ConfigError, "'hidden_size': Input should be a valid integer"),
        ({"model_type": "bert", "hidden_size": 100}, ConfigError, "width 100 is not a multiple of heads 12"),
        (
            {"model_type": "bert", "hidden_act": "swoosh"},
            ConfigError,
            "hidden_act is 'swoosh', not one of gelu, ",
        ),
        (
            {"model_type": "bert", "position_embedding_type": "relative_key"},
            ConfigError,
            "position_embedding_type = 'relative_key' is not supported (only 'absolute')",
        ),
        (
            {"model_type": "bert", "max_position_embeddings": 0},
            ConfigError,
            "'max_position_embeddings': Input should be gr",
        ),
        (["bert"], ConfigError, "not a JSON object"),
    ],
)
def test_bad_configs(tmp_path: Path, values: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        read_config(folder_with(tmp_path, values))
    assert str(caught.value).startswith(f"{tmp_path / 'config.json'}: {message}")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe"])
def test_a_damaged_config(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"config\.json: not JSON"):
        read_config(tmp_path)


ALBERT_BASE_V2 = {
    "attention_probs_dropout_prob": 0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0,
    "embedding_size": 128,
    "hidden_size": 768,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "num_hidden_groups": 1,
    "net_structure_type": 0,
    "gap_size": 0,
    "num_memory_blocks": 0,
    "inner_group_num": 1,
    "down_scale_factor": 1,
    "type_vocab_size": 2,
    "vocab_size": 30000,
}


def test_gelu_of_googles_albert_is_the_approximation(tmp_path: Path) -> None:
    config = read_config(folder_with(tmp_path, ALBERT_BASE_V2, "albert_config.json"))
    assert config.encoder == albert.FAMILY.presets["base"]
    assert (config.values["hidden_act"], config.unread) == ("gelu_new", ())
    assert write_tensorflow_config(albert.FAMILY, albert.TENSORFLOW, config.values) == ALBERT_BASE_V2
    exact = folder_with(tmp_path, ALBERT_BASE_V2 | {"model_type": "albert"})
    assert read_config(exact).encoder.activation == "gelu"


def test_googles_albert_has_relu_too_and_no_exact_gelu(tmp_path: Path) -> None:
    config = read_config(folder_with(tmp_path, ALBERT_BASE_V2 | {"hidden_act": "relu"}, "albert_config.json"))
    assert config.encoder.activation == "relu"
    assert write_tensorflow_config(albert.FAMILY, albert.TENSORFLOW, config.values)["hidden_act"] == "relu"
    with pytest.raises(UserError, match=r"albert_config\.json: hidden_act = 'gelu' means 'gelu_new' there"):
        write_tensorflow_config(albert.FAMILY, albert.TENSORFLOW, ALBERT_BASE_V2)


def test_a_tensorflow_checkpoint_without_config(tmp_path: Path) -> None:
    (tmp_path / "electra_small.index").touch()
    with pytest.raises(ModelNotFound, match=r"TensorFlow checkpoint without a config\.json") as caught:
        read_config(tmp_path)
    assert "ELECTRA's releases have none" in caught.value.remedy


def test_no_config(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"no config\.json"):
        read_config(tmp_path)
