from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bertkit.errors import InputError, UserError
from bertkit.tokenization.library_trainers import train_byte_level, train_unigram
from bertkit.tokenization.tokenizer import Tokenizer

LINES = ["The quick brown fox jumps over the lazy dog", "the naïve fox, the dog and the <mask>"] * 20


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_tokenizer_that_can_be_saved(kind: str, tmp_path: Path) -> None:
    backend = train_byte_level(LINES, vocab_size=300) if kind == "bpe" else train_unigram(LINES, vocab_size=80)
    tokenizer = Tokenizer(backend)
    specials = tokenizer.specials
    assert (specials.cls, specials.pad, specials.sep, specials.unk, specials.mask) == (0, 1, 2, 3, 4)
    assert tokenizer.template.pair.infix.ids == [2, 2]
    assert tokenizer.casing.cased
    (tokens,) = tokenizer.tokenize(["the fox <mask> the dog"])
    assert 4 in tokens.ids
    assert 3 not in tokens.ids
    assert tokenizer.decode(tokenizer.tokenize(["the naïve fox"])[0].ids) == "the naïve fox"
    tokenizer.save(tmp_path)
    assert Tokenizer.load(tmp_path).tokenize(LINES) == tokenizer.tokenize(LINES)
    assert (tmp_path / "merges.txt").exists() == (kind == "bpe")


def test_min_frequency() -> None:
    assert train_byte_level(["ab", "ab"], vocab_size=300, min_frequency=3).token_to_id("ab") is None
    assert train_byte_level(["ab", "ab"], vocab_size=300, min_frequency=2).token_to_id("ab") == 261


def test_too_small_a_vocabulary() -> None:
    with pytest.raises(UserError, match="a vocabulary of 260 has no room for 5 special tokens and 256 bytes"):
        train_byte_level(LINES, vocab_size=260)
    with pytest.raises(UserError, match="no unigram vocabulary of 8 pieces: The vocabulary is not large enough"):
        train_unigram(LINES, vocab_size=8)


@pytest.mark.parametrize("train", [train_byte_level, train_unigram])
def test_an_error_of_the_reader_comes_through(train: object) -> None:
    def lines() -> Iterator[str]:
        yield "fine"
        raise InputError("a.txt:2: not valid UTF-8")

    with pytest.raises(InputError, match=r"a\.txt:2"):
        train(lines(), vocab_size=300)  # type: ignore[operator]
