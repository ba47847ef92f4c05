"""What is written, byte for byte where it matters. That transformers opens it: test_parity.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers

from bertkit.errors import OutputError
from bertkit.tokenization.tokenizer import Tokenizer
from tests.tokenization.conftest import write_folder
from tests.tokenization.texts import HOSTILE

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##é", "\u2028x"]


def written(folder: Path) -> dict[str, object]:
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert isinstance(config, dict)
    return config


def test_the_four_files(tmp_path: Path) -> None:
    source = write_folder(
        tmp_path / "a", PIECES, do_lower_case=False, model_max_length=512, name_or_path="/home/x", auto_map={"a": "b"}
    )
    Tokenizer.load(source).save(tmp_path / "b")
    names = ["special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"]
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == names
    assert (tmp_path / "b/vocab.txt").read_bytes() == (source / "vocab.txt").read_bytes()
    config = written(tmp_path / "b")
    added = config.pop("added_tokens_decoder")
    assert config == {
        "tokenizer_class": "BertTokenizer",
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
        "model_max_length": 512,
        "do_lower_case": False,
        "strip_accents": None,
        "tokenize_chinese_chars": True,
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    assert isinstance(added, dict)
    assert list(added) == ["0", "1", "2", "3", "4"]
    assert json.loads((tmp_path / "b/special_tokens_map.json").read_text(encoding="utf-8"))["mask_token"] == "[MASK]"


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "a", PIECES, do_lower_case=True, tokenizer_class="ElectraTokenizer")
    Tokenizer.load(source).save(tmp_path / "b")
    Tokenizer.load(tmp_path / "b").save(tmp_path / "c")
    for path in (tmp_path / "b").iterdir():
        assert path.read_bytes() == (tmp_path / "c" / path.name).read_bytes()
    assert written(tmp_path / "c")["tokenizer_class"] == "ElectraTokenizer"


def test_a_tokenizer_that_is_not_berts(tmp_path: Path) -> None:
    pieces = {piece: id for id, piece in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##b"])}
    backend = Backend(models.WordPiece(pieces, unk_token="[UNK]", max_input_chars_per_word=7))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = Tokenizer(backend)
    tokenizer.save(tmp_path)
    config = written(tmp_path)
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert "do_lower_case" not in config
    assert "mask_token" not in config
    again = Tokenizer.load(tmp_path)
    assert again.tokenize([*HOSTILE, "a" + "b" * 6, "a" + "b" * 7]) == tokenizer.tokenize(
        [*HOSTILE, "a" + "b" * 6, "a" + "b" * 7]
    )


@pytest.mark.parametrize("vocabulary", [{"[UNK]": 0, "a": 2}, {"[UNK]": 0, "a ": 1}, {"[UNK]": 0, "a\nb": 1}])
def test_a_vocabulary_that_lines_cannot_say_is_left_to_tokenizer_json(
    vocabulary: dict[str, int], tmp_path: Path
) -> None:
    tokenizer = Tokenizer(Backend(models.WordPiece(vocabulary, unk_token="[UNK]")))
    tokenizer.save(tmp_path)
    assert not (tmp_path / "vocab.txt").exists()
    assert Tokenizer.load(tmp_path).tokenize(["a"]) == tokenizer.tokenize(["a"])


def test_no_vocabulary_file_for_other_algorithms(tmp_path: Path) -> None:
    Tokenizer(Backend(models.BPE({"a": 0}, []))).save(tmp_path)
    assert not (tmp_path / "vocab.txt").exists()
    assert written(tmp_path)["tokenizer_class"] == "PreTrainedTokenizerFast"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(write_folder(tmp_path / "a", PIECES))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        tokenizer.save(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "in the way"
