"""RoBERTa's two files: what they may hold, and what each damaged one says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import pre_tokenizers

from bertkit.errors import BadCheckpoint
from bertkit.tokenization.tokenizer import Tokenizer

SPACE = "\u0120"
NAMES = ["<s>", "<pad>", "</s>", "<unk>"]
PIECES = [*NAMES, *sorted(pre_tokenizers.ByteLevel.alphabet()), "he", "the", f"{SPACE}the", "<mask>"]
VOCABULARY = {piece: id for id, piece in enumerate(PIECES)}
MERGES = ["#version: 0.2", "h e", "t he", f"{SPACE} the"]


def written(folder: Path, *, vocabulary: object = VOCABULARY, merges: list[str] = MERGES, **config: object) -> Path:
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("".join(f"{line}\n" for line in merges), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_pieces_offsets_and_special_tokens(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(written(tmp_path))
    (tokens,) = tokenizer.tokenize(["the the <mask>"], offsets=True)
    assert [tokenizer.token(id) for id in tokens.ids] == ["the", f"{SPACE}the", "<mask>"]
    # No piece for the space before the mask: it belongs to the mask, though offsets leave spaces out.
    assert tokens.offsets == [(0, 3), (4, 7), (8, 14)]
    specials = tokenizer.specials
    assert (specials.cls, specials.pad, specials.sep, specials.unk, specials.mask) == (0, 1, 2, 3, len(PIECES) - 1)
    assert (tokenizer.template.pair.infix.ids, tokenizer.template.pair.second_segment) == ([2, 2], 0)
    assert str(tokenizer.casing) == "cased (byte-level BPE keeps every byte of the text)"
    assert tokenizer.decode(tokenizer.tokenize(["naïve the"])[0].ids) == "naïve the"


def test_a_space_before_the_text(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(written(tmp_path, add_prefix_space=True))
    (tokens,) = tokenizer.tokenize(["the"], offsets=True)
    assert ([tokenizer.token(id) for id in tokens.ids], tokens.offsets) == ([f"{SPACE}the"], [(0, 3)])


def test_other_names_of_the_special_tokens(tmp_path: Path) -> None:
    renamed = {{"<s>": "[B]", "<mask>": "[M]"}.get(piece, piece): id for piece, id in VOCABULARY.items()}
    tokenizer = Tokenizer.load(written(tmp_path, vocabulary=renamed, cls_token="[B]", mask_token="[M]"))
    assert (tokenizer.specials.cls, tokenizer.specials.mask) == (0, len(PIECES) - 1)
    assert tokenizer.template.single.prefix.ids == [0]


def test_a_mask_may_be_missing(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(written(tmp_path, vocabulary={p: id for p, id in VOCABULARY.items() if p != "<mask>"}))
    assert tokenizer.specials.mask is None


@pytest.mark.parametrize("missing", ["vocab.json", "merges.txt"])
def test_one_file_without_the_other(missing: str, tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(BadCheckpoint) as caught:
        Tokenizer.load(tmp_path)
    assert str(caught.value) == f"{tmp_path}: vocab.json and merges.txt belong together, {missing} is missing"


@pytest.mark.parametrize(
    ("vocabulary", "says"),
    [
        ({**VOCABULARY, "x": "7"}, "the id of 'x' is '7', not a whole number"),
        ({**VOCABULARY, "x": -1}, "the id of 'x' is -1, not a whole number"),
        ({**VOCABULARY, "x": True}, "the id of 'x' is True, not a whole number"),
        ({**VOCABULARY, "x y": 7}, "two pieces have the same id"),
        ({piece: id for piece, id in VOCABULARY.items() if piece != "</s>"}, "no piece for the special token '</s>'"),
        ([], "a JSON object is expected, not list"),
    ],
)
def test_a_vocabulary_that_cannot_be(vocabulary: object, says: str, tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint, match=says) as caught:
        Tokenizer.load(written(tmp_path, vocabulary=vocabulary))
    assert str(caught.value).startswith(str(tmp_path / "vocab.json"))


@pytest.mark.parametrize("line", ["h", "h e e", "he x\u2603", " he", "t h"])
def test_a_merge_of_what_is_no_piece(line: str, tmp_path: Path) -> None:
    with pytest.raises(BadCheckpoint) as caught:
        Tokenizer.load(written(tmp_path, merges=[*MERGES, line]))
    assert str(caught.value) == f"{tmp_path / 'merges.txt'}:5: {line!r} is no pair of pieces of vocab.json"
