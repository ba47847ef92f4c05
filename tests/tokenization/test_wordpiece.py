"""Google's vocab.txt: what it may hold, and what each damaged one says."""

from __future__ import annotations

from pathlib import Path

import pytest
import transformers

from bertkit.errors import BadCheckpoint
from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.wordpiece import read_vocabulary
from tests.tokenization.conftest import write_folder

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def test_line_ends_and_white_space(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_bytes("[PAD]\r\nab \n\ncd\t\n\u2028x".encode())
    assert read_vocabulary(path) == {"[PAD]": 0, "ab": 1, "": 2, "cd": 3, "\u2028x": 4}


@pytest.mark.parametrize(
    ("lines", "ids"),
    [
        (["a", "b", "a"], {"a": 7, "b": 6}),
        (["a", "", "b", "", ""], {"a": 5, "b": 7, "": 9}),
        (["a", "\u3000", "\u00a0", "b"], {"a": 5, "b": 8, "": 7}),
        (["a ", "b", "a"], {"a": 7, "b": 6}),
        (["[MASK]", "a"], {"[MASK]": 5, "a": 6}),
    ],
    ids=["repeated", "blank", "white space", "a space behind", "a special token"],
)
def test_the_last_of_a_repeated_line_counts(lines: list[str], ids: dict[str, int], tmp_path: Path) -> None:
    """As in transformers; the numbers of the others are no piece's, and every later line keeps its own."""
    write_folder(tmp_path, [*SPECIAL, *lines], do_lower_case=True)
    assert read_vocabulary(tmp_path / "vocab.txt").items() >= ids.items()
    tokenizer = Tokenizer.load(tmp_path)
    peer = transformers.BertTokenizer.from_pretrained(tmp_path)
    text = "a b x [MASK]"
    assert tokenizer.tokenize([text])[0].ids == peer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.vocab_size == 5 + len(lines)
    for piece, id in ids.items():
        assert tokenizer.token(id) == piece
    saved = tmp_path / "saved"
    tokenizer.save(saved)
    assert Tokenizer.load(saved).tokenize([text]) == tokenizer.tokenize([text])
    assert not (saved / "vocab.txt").exists()  # lines cannot say which is which without the same faults


def test_a_line_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes(b"[PAD]\n[UNK]\nna\xefve\n")
    with pytest.raises(BadCheckpoint) as caught:
        Tokenizer.load(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'vocab.txt'}:3: not UTF-8 (byte 0xef at position 2 of the line)"
    assert caught.value.remedy.startswith("Save the file as UTF-8")


@pytest.mark.parametrize("missing", ["[UNK]", "[CLS]", "[SEP]"])
def test_a_special_token_that_is_missing(missing: str, tmp_path: Path) -> None:
    write_folder(tmp_path, [piece for piece in [*SPECIAL, "a"] if piece != missing])
    with pytest.raises(BadCheckpoint) as caught:
        Tokenizer.load(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'vocab.txt'}: no piece for the special token {missing!r}"
    assert f"{missing.lower()[1:-1]}_token in tokenizer_config.json" in caught.value.remedy


def test_an_empty_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes(b"")
    with pytest.raises(BadCheckpoint, match="no piece for the special token"):
        Tokenizer.load(tmp_path)


def test_a_vocabulary_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").mkdir()
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        Tokenizer.load(tmp_path)


def test_padding_and_mask_may_be_missing(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(write_folder(tmp_path, ["[UNK]", "[CLS]", "[SEP]", "a"]))
    assert (tokenizer.specials.pad, tokenizer.specials.mask) == (None, None)
    assert tokenizer.specials.all == {0, 1, 2}
    assert tokenizer.vocab_size == 4


def test_case_is_inferred_without_settings(tmp_path: Path) -> None:
    cased = Tokenizer.load(write_folder(tmp_path / "cased", [*SPECIAL, "[Unused]", "a", "b", "##B"]))
    assert str(cased.casing) == "cased (line 9 of vocab.txt has a capital letter: '##B')"
    assert cased.tokenize(["bB b"])[0].ids == [7, 8, 7]
    uncased = Tokenizer.load(write_folder(tmp_path / "uncased", [*SPECIAL, "[Unused]", "a", "b", "##b", "ß", "é"]))
    assert str(uncased.casing) == "uncased (no piece in vocab.txt has a capital letter)"
    assert uncased.tokenize(["BB b"])[0].ids == [7, 8, 7]


def test_settings_win_over_what_the_vocabulary_suggests(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(write_folder(tmp_path, [*SPECIAL, "a", "A"], do_lower_case=True))
    assert str(tokenizer.casing) == "uncased (do_lower_case in tokenizer_config.json)"
    assert tokenizer.tokenize(["A"])[0].ids == [5]


@pytest.mark.data
def test_the_published_vocabulary_is_uncased(google_folder: Path) -> None:
    tokenizer = Tokenizer.load(google_folder)
    assert not tokenizer.casing.cased
    assert tokenizer.vocab_size == 30_522
    assert tokenizer.specials.mask == 103


@pytest.mark.data
def test_the_tiny_google_release(test_data: Path) -> None:
    tokenizer = Tokenizer.load(test_data / "checkpoints/keras_bert_tiny_random_tf1")
    assert tokenizer.tokenize(["All work and NO play"])[0].ids == [5, 6, 7, 8, 9]
