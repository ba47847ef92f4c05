from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

import bertkit
from bertkit.errors import ConfigError
from bertkit.pretrained.sentence_transformers import SentenceSettings, read_cross_encoder, read_settings, write_settings
from tests.parity.bert_peer import Sizes, make_peer

TEXTS = ["paris is a city", "w1 w2 w3", "paris", "w5 w6 w7 w8 w9 w10 w11"]


def write(folder: Path, pooling: dict[str, object], kinds: tuple[str, ...] = ("Transformer", "Pooling")) -> Path:
    modules = [{"path": "1_Pooling" if kind == "Pooling" else "", "type": f"models.{kind}"} for kind in kinds]
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (folder / "modules.json").write_text(json.dumps(modules))
    return folder


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_same_vectors_both_ways(tmp_path: Path, pooling: str, normalize: bool) -> None:
    make_peer(Sizes(), tmp_path / "bert", deviation=0.1)
    transformer = Transformer(str(tmp_path / "bert"), max_seq_length=17)
    modules = [transformer, Pooling(33, pooling_mode=pooling), *([Normalize()] if normalize else [])]
    peer = SentenceTransformer(modules=modules, device="cpu")
    peer.save(str(tmp_path / "theirs"))
    expected = peer.encode(TEXTS)
    model = bertkit.load(tmp_path / "theirs", dtype="float32")
    assert (model.task.name, model.max_length) == ("sentence-embedding", 17)
    np.testing.assert_allclose(np.stack([r.embedding for r in model.predict(TEXTS)]), expected, atol=2e-6)
    model.save(tmp_path / "ours")
    again = SentenceTransformer(str(tmp_path / "ours"), device="cpu")
    assert again.max_seq_length == 17
    np.testing.assert_allclose(again.encode(TEXTS), expected, atol=2e-6)


@pytest.mark.parametrize(
    ("pooling", "mode"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False, "word_embedding_dimension": 3}, "cls"),
        ({"pooling_mode": "max", "include_prompt": True}, "max"),
    ],
)
def test_both_spellings_of_the_pooling(tmp_path: Path, pooling: dict[str, object], mode: str) -> None:
    assert read_settings(write(tmp_path, pooling)) == SentenceSettings(mode, False, "", None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pooling", "message"),
    [
        ({"pooling_mode": "lasttoken"}, "pooling lasttoken is not supported"),
        ({"pooling_mode_weightedmean_tokens": True}, "pooling pooling_mode_weightedmean_tokens is not supported"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, r"pooling cls \+ mean is not supported"),
        ({}, "pooling nothing is not supported"),
    ],
)
def test_other_poolings_are_refused(tmp_path: Path, pooling: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_settings(write(tmp_path, pooling))


@pytest.mark.parametrize("kinds", [("Transformer",), ("Transformer", "Pooling", "Dense")])
def test_other_modules_are_refused(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="after the Transformer are not supported"):
        read_settings(write(tmp_path, {"pooling_mode": "mean"}, kinds))


def test_a_damaged_folder(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[")
    with pytest.raises(ConfigError, match=r"modules\.json"):
        read_settings(tmp_path)


def test_an_ordinary_folder_has_no_settings(tmp_path: Path) -> None:
    assert read_settings(tmp_path) is None


def test_settings_round_trip(tmp_path: Path) -> None:
    settings = SentenceSettings("cls", True, "query: ", 17)
    write_settings(tmp_path, settings, 33)
    assert read_settings(tmp_path) == settings


def test_how_a_cross_encoder_scores(tmp_path: Path) -> None:
    assert read_cross_encoder(tmp_path, {}) is None
    identity = "torch.nn.modules.linear.Identity"
    assert read_cross_encoder(tmp_path, {"sentence_transformers": {"activation_fn": identity}}) == "identity"
    assert read_cross_encoder(tmp_path, {"sbert_ce_default_activation_function": identity}) == "identity"
    assert read_cross_encoder(tmp_path, {"sentence_transformers": {"version": "5.0"}}) == "sigmoid"
    with pytest.raises(ConfigError, match=r"config\.json: activation 'torch.nn.Tanh' is not supported"):
        read_cross_encoder(tmp_path, {"sentence_transformers": {"activation_fn": "torch.nn.Tanh"}})
    own = tmp_path / "config_sentence_transformers.json"
    own.write_text(json.dumps({"model_type": "SentenceTransformer", "prompts": {}}))
    assert read_cross_encoder(tmp_path, {}) is None
    own.write_text(json.dumps({"model_type": "CrossEncoder", "activation_fn": identity}))
    assert read_cross_encoder(tmp_path, {}) == "identity"
