"""Which of a folder's files is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bertkit.tokenization.tokenizer import Tokenizer
from tests.tokenization.conftest import write_folder
from tests.tokenization.foreign import FAIRSEQ_HEAD, model_bytes, mpnet_pieces, pieces, train_byte_level, write_model
from tests.tokenization.test_unigram import ALBERT

BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b"]
CLASSES = ["BertTokenizer", "ElectraTokenizerFast", "DistilBertTokenizer"]


def test_a_finished_tokenizer_comes_first(tmp_path: Path) -> None:
    train_byte_level(tmp_path / "bpe", ["the cat"], 270)
    Tokenizer.load(tmp_path / "bpe").save(tmp_path / "all")
    write_folder(tmp_path / "all", BERT)
    write_model(tmp_path / "all", "spiece.model", b"damaged")
    assert Tokenizer.load(tmp_path / "all").algorithm == "BPE"
    (tmp_path / "all/tokenizer.json").unlink()
    (tmp_path / "all/spiece.model").unlink()
    assert Tokenizer.load(tmp_path / "all").algorithm == "BPE"
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"):
        (tmp_path / "all" / name).unlink()
    assert Tokenizer.load(tmp_path / "all").algorithm == "WordPiece"


def test_the_tokenizer_class_wins_over_the_model_type(tmp_path: Path) -> None:
    content = model_bytes([*FAIRSEQ_HEAD, *pieces("\u2581a")])
    write_model(tmp_path, "sentencepiece.bpe.model", content, model_type="camembert")
    assert Tokenizer.load(tmp_path).id("\u2581a") == 7
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    assert Tokenizer.load(tmp_path).id("\u2581a") == 7
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "XLMRobertaTokenizer"}')
    assert Tokenizer.load(tmp_path).id("\u2581a") == 4


def test_googles_names_of_alberts_files(tmp_path: Path) -> None:
    (write_model(tmp_path / "en", "30k-clean.model", ALBERT) / "albert_config.json").write_text("{}")
    assert Tokenizer.load(tmp_path / "en").specials.all == {0, 1, 2, 3, 4}
    write_folder(tmp_path / "zh", BERT)
    (tmp_path / "zh/vocab.txt").rename(tmp_path / "zh/vocab_chinese.txt")
    assert Tokenizer.load(tmp_path / "zh").tokenize(["ab"])[0].ids == [5, 6]


@pytest.mark.parametrize("name", CLASSES)
def test_wordpiece_of_berts_relatives(name: str, tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(write_folder(tmp_path, BERT, tokenizer_class=name))
    # DistilBERT's class does not tell the model of segments.
    second = 0 if name == "DistilBertTokenizer" else 1
    assert (tokenizer.template.pair.infix.ids, tokenizer.template.pair.second_segment) == ([3], second)


@pytest.mark.parametrize("config", [{}, {"tokenizer_class": "MPNetTokenizer"}, {"model_type": "mpnet"}])
def test_mpnets_wordpiece(config: dict[str, str], tmp_path: Path) -> None:
    folder = write_folder(tmp_path, mpnet_pieces(BERT))
    name = "config.json" if "model_type" in config else "tokenizer_config.json"
    (folder / name).write_text(json.dumps(config), encoding="utf-8")
    tokenizer = Tokenizer.load(folder)
    specials = tokenizer.specials
    assert (specials.cls, specials.pad, specials.sep, specials.unk, specials.mask) == (0, 1, 2, 4, 7)
    assert (tokenizer.template.pair.infix.ids, tokenizer.template.pair.second_segment) == ([2, 2], 0)
    assert tokenizer.tokenize(["Ab x <mask>"])[0].ids == [5, 6, 4, 7]
