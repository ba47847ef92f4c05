from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import bertkit
from bertkit.errors import BadCheckpoint, BertkitError, ConfigError, MissingHead, UserError
from bertkit.pretrained.loading import open_pretrained
from bertkit.pretrained.saving import save_pretrained
from bertkit.tasks.fill_mask import FillMask
from bertkit.tasks.next_sentence_prediction import NextSentencePrediction
from bertkit.tokenization.tokenizer import Tokenizer
from tests.parity.bert_peer import make_peer
from tests.pretrained.small_folder import SIZES, hidden, rewrite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_peer(SIZES, tmp_path / "model")
    return tmp_path / "model"


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


def test_more_ids_than_embeddings_is_an_error(folder: Path) -> None:
    values = json.loads((folder / "config.json").read_text())
    (folder / "vocab.txt").write_text((folder / "vocab.txt").read_text() + "extra\n")
    with pytest.raises(BadCheckpoint, match="the tokenizer has 100 ids, the embedding 99 rows"):
        open_pretrained(folder).load_tokenizer()
    assert values["vocab_size"] == 99


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
