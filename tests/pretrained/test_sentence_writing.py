from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from bertkit.checkpoints.stored import StoredTensors
from bertkit.config.vectors import VECTOR
from bertkit.pretrained.sentence_keys import POOLING_FLAGS
from bertkit.pretrained.sentence_parts import Link, VectorModule, VectorModules
from bertkit.pretrained.sentence_transformers import CrossEncoderSettings, Prompts, Reads, SentenceSettings
from bertkit.pretrained.sentence_writing import write_cross_encoder, write_settings


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_settings_are_modules_and_two_files(tmp_path: Path) -> None:
    weight = StoredTensors.of({"linear.weight": torch.ones(3, 8)})
    dense = VectorModule("Dense", {"in_features": 8}, weight, Link(VECTOR, VECTOR))
    settings = SentenceSettings(
        VectorModules(after=(dense,)), True, Prompts({"q": "w "}, "q"), Reads(9), truncate_dim=2
    )
    write_settings(tmp_path, settings, 8)
    kinds = [entry["type"].rsplit(".", 1)[1] for entry in read(tmp_path / "modules.json")]
    assert kinds == ["Transformer", "Pooling", "Dense", "Normalize"]
    assert read(tmp_path / "2_Dense/config.json") == {"in_features": 8}
    assert (tmp_path / "2_Dense/model.safetensors").is_file()
    assert read(tmp_path / "sentence_bert_config.json") == {"max_seq_length": 9, "do_lower_case": False}
    about = read(tmp_path / "config_sentence_transformers.json")
    assert about == {
        "prompts": {"q": "w "},
        "default_prompt_name": "q",
        "similarity_fn_name": "cosine",
        "truncate_dim": 2,
    }


def test_poolings_whose_order_flags_cannot_say_are_a_list(tmp_path: Path) -> None:
    for poolings in (("cls", "mean"), ("mean", "cls")):
        place = tmp_path / poolings[0]
        place.mkdir()
        write_settings(place, SentenceSettings(VectorModules(poolings, include_prompt=False)), 8)  # type: ignore[arg-type]
        values = read(place / "1_Pooling/config.json")
        assert values["include_prompt"] is False
        assert values.get("pooling_mode", "flags") == ("flags" if poolings == ("cls", "mean") else ["mean", "cls"])
        assert (POOLING_FLAGS.keys() <= values.keys()) == (poolings == ("cls", "mean"))


def test_a_cross_encoder_that_config_json_says_all_of_needs_no_files(tmp_path: Path) -> None:
    write_cross_encoder(tmp_path, CrossEncoderSettings("tanh"), 8)
    assert list(tmp_path.iterdir()) == []
    write_cross_encoder(tmp_path, CrossEncoderSettings("tanh", reads=Reads(12)), 8)
    assert read(tmp_path / "sentence_bert_config.json")["transformer_task"] == "sequence-classification"
    assert read(tmp_path / "config_sentence_transformers.json")["model_type"] == "CrossEncoder"
