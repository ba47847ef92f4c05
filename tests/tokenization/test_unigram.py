"""What the families make of a `.model` file. That the tokens are SentencePiece's own: test_family_parity.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bertkit.errors import BadCheckpoint, ConfigError
from bertkit.tokenization.tokenizer import Tokenizer
from tests.tokenization.foreign import (
    BYTE,
    CONTROL,
    FAIRSEQ_HEAD,
    NORMAL,
    UNKNOWN,
    USER_DEFINED,
    field,
    model_bytes,
    pieces,
    write_model,
)

WORDS = pieces("\u2581the", "\u2581cat", "s", "\u2581", "a", "b", "9", "é", "A")
FAIRSEQ = model_bytes([*FAIRSEQ_HEAD, *WORDS])
ALBERT_HEAD = [
    ("<pad>", 0.0, CONTROL),
    ("<unk>", 0.0, UNKNOWN),
    ("[CLS]", 0.0, CONTROL),
    ("[SEP]", 0.0, CONTROL),
    ("[MASK]", 0.0, CONTROL),
    ("(", 0.0, USER_DEFINED),
]
ALBERT = model_bytes([*ALBERT_HEAD, *WORDS, ("e", -9.5, NORMAL), ("9,", -0.5, NORMAL), (",", -9.0, NORMAL)])


def xlm_r(folder: Path, content: bytes = FAIRSEQ) -> Tokenizer:
    return Tokenizer.load(write_model(folder, "sentencepiece.bpe.model", content, model_type="xlm-roberta"))


def albert(folder: Path, **config: object) -> Tokenizer:
    write_model(folder, "spiece.model", ALBERT)
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return Tokenizer.load(folder)


def read(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.token(id) for id in tokenizer.tokenize([text])[0].ids]


def test_xlm_r_numbers_pieces_one_higher_and_the_mask_last(tmp_path: Path) -> None:
    tokenizer = xlm_r(tmp_path)
    names = ["<s>", "<pad>", "</s>", "<unk>", "\u2581the", "\u2581cat"]
    assert [tokenizer.token(id) for id in range(6)] == names
    specials = tokenizer.specials
    assert (specials.cls, specials.pad, specials.sep, specials.unk, specials.mask) == (0, 1, 2, 3, 13)
    assert specials.all == {0, 1, 2, 3, 13}
    assert tokenizer.vocab_size == 14
    assert (tokenizer.algorithm, tokenizer.casing.cased) == ("Unigram", True)
    assert tokenizer.tokenize(["the  cats <mask>\N{SNOWMAN}\N{SNOWMAN}"], offsets=True)[0].ids == [4, 5, 6, 13, 7, 3]
    template = tokenizer.template
    assert (template.pair.prefix.ids, template.pair.infix.ids, template.pair.suffix.ids) == ([0], [2, 2], [2])
    assert (template.pair.first_segment, template.pair.second_segment) == (0, 0)


def test_offsets_are_those_of_the_users_text(tmp_path: Path) -> None:
    (tokens,) = xlm_r(tmp_path).tokenize(["  the\tcats"], offsets=True)
    assert tokens.offsets == [(2, 5), (6, 9), (9, 10)]


def test_camembert_keeps_the_pieces_of_both(tmp_path: Path) -> None:
    folder = write_model(tmp_path, "sentencepiece.bpe.model", FAIRSEQ, model_type="camembert")
    tokenizer = Tokenizer.load(folder)
    names = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>", "\u2581the"]
    assert [tokenizer.token(id) for id in range(8)] == names
    assert (tokenizer.specials.cls, tokenizer.specials.sep, tokenizer.specials.mask) == (5, 6, 16)
    assert tokenizer.tokenize(["the\N{SNOWMAN}"])[0].ids == [7, 3]
    assert tokenizer.template.pair.infix.ids == [6, 6]


def test_albert_prepares_its_text(tmp_path: Path) -> None:
    tokenizer = albert(tmp_path)
    assert not tokenizer.casing.cased
    assert read(tokenizer, "THE (é) Cat") == ["\u2581the", "\u2581", "(", "e", "<unk>", "\u2581cat"]
    assert read(tokenizer, "[MASK]") == ["[MASK]"]
    assert tokenizer.specials.all == {0, 1, 2, 3, 4}
    assert (tokenizer.template.pair.first_segment, tokenizer.template.pair.second_segment) == (0, 1)


def test_albert_parts_a_number_from_its_comma(tmp_path: Path) -> None:
    assert read(albert(tmp_path), "9,") == ["\u2581", "9", ","]


def test_albert_with_settings(tmp_path: Path) -> None:
    assert read(albert(tmp_path / "a", keep_accents=True), "é") == ["\u2581", "é"]
    cased = albert(tmp_path / "b", do_lower_case=False)
    assert cased.casing.cased
    assert read(cased, "A") == ["\u2581", "A"]


def test_other_names_of_the_special_tokens(tmp_path: Path) -> None:
    write_model(tmp_path, "sentencepiece.bpe.model", FAIRSEQ)
    config = {"tokenizer_class": "XLMRobertaTokenizerFast", "mask_token": "<blank>", "bos_token": {"content": "<b>"}}
    config["cls_token"] = "<b>"
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    tokenizer = Tokenizer.load(tmp_path)
    assert (tokenizer.token(0), tokenizer.token(13)) == ("<b>", "<blank>")
    assert tokenizer.template.single.prefix.ids == [0]


def test_the_file_decides_about_spaces(tmp_path: Path) -> None:
    no_prefix = xlm_r(tmp_path / "a", model_bytes([*FAIRSEQ_HEAD, *WORDS], normalizer=field(3, 0)))
    assert read(no_prefix, " a  the ") == ["a", "\u2581the"]
    keep = xlm_r(tmp_path / "b", model_bytes([*FAIRSEQ_HEAD, *WORDS], normalizer=field(4, 0)))
    assert read(keep, "a  the") == ["\u2581", "a", "\u2581", "\u2581the"]


def test_unknown_characters_as_bytes(tmp_path: Path) -> None:
    every_byte = [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
    tokenizer = xlm_r(tmp_path, model_bytes([*FAIRSEQ_HEAD, *every_byte, *WORDS], field(35, 1)))
    assert read(tokenizer, "the ü") == ["\u2581the", "\u2581", "<0xC3>", "<0xBC>"]
    assert tokenizer.decode(tokenizer.tokenize(["the ü"])[0].ids) == "the ü"


@pytest.mark.parametrize(
    "config", [{}, {"tokenizer_class": "T5Tokenizer"}, {"tokenizer_class": "PreTrainedTokenizerFast"}]
)
def test_pieces_of_an_unknown_family(config: dict[str, str], tmp_path: Path) -> None:
    write_model(tmp_path, "sentencepiece.bpe.model", FAIRSEQ)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ConfigError, match="families number them differently") as caught:
        Tokenizer.load(tmp_path)
    assert "tokenizer_class in tokenizer_config.json (AlbertTokenizer, XLMRoberta" in caught.value.remedy
    assert ("'T5Tokenizer' does not say" in str(caught.value)) == ("T5" in str(config))


def test_alberts_special_tokens_do_not_make_another_family_albert(tmp_path: Path) -> None:
    write_model(tmp_path, "spiece.model", ALBERT, model_type="big_bird")
    with pytest.raises(ConfigError, match="'big_bird' does not say"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (model_bytes([FAIRSEQ_HEAD[0], *WORDS]), r"piece 1 is '\u2581the', where a special token belongs"),
        (model_bytes([*FAIRSEQ_HEAD, *WORDS, WORDS[0]]), "a piece is there twice"),
        (model_bytes([*FAIRSEQ_HEAD, *WORDS], normalizer=field(2, b"\x00")), "character map is damaged"),
        (b"not a model", "not a SentencePiece model"),
    ],
)
def test_files_that_do_not_fit(content: bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match=says):
        xlm_r(tmp_path, content)


def test_a_special_token_without_a_piece(tmp_path: Path) -> None:
    write_model(tmp_path, "spiece.model", FAIRSEQ, model_type="albert")
    with pytest.raises(BadCheckpoint, match=r"no piece for the special token '<pad>'"):
        Tokenizer.load(tmp_path)
