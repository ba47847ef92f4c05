"""Which encoder `bertkit plan MODEL` means."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bertkit.cli.planned_model import planned_model
from bertkit.errors import ConfigError, ModelNotFound
from bertkit.families.catalogue import FAMILIES
from bertkit.families.known import known_models

BASE = FAMILIES["bert"].presets["base"]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "word"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "num_hidden_layers": 3}))
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    return tmp_path


@pytest.mark.parametrize("name", ["bert-base", "BERT-base", "google-bert/bert-base-uncased", "bert-base-v1"])
def test_names_that_people_write(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert planned_model(name) == (name, BASE, None)


def test_a_folder_and_its_configuration(folder: Path) -> None:
    for given in (folder, folder / "config.json"):
        _, config, count = planned_model(str(given))
        assert config.layers == 3
        assert count is not None
        assert count("word word other") == 5


def test_a_run_is_its_model(folder: Path) -> None:
    run = folder.parent / "run"
    run.mkdir()
    folder.rename(run / "model")
    assert planned_model(str(run))[1].layers == 3


def test_sizes() -> None:
    config = planned_model("layers=2,width=96,heads=3,pooler=false")[1]
    assert (config.layers, config.width, config.ffn_width, config.pooler) == (2, 96, 384, False)
    with pytest.raises(ConfigError, match=r"unknown key 'widht' \(did you mean 'width'"):
        planned_model("widht=3")


def test_one_that_there_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match="did you mean 'bert-base'"):
        planned_model("bert-bse")
    assert "all-minilm-l6-v2" in known_models()
