from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tokenizers
from tokenizers import models, pre_tokenizers

from bertkit.sampling.word_table import WordTable
from bertkit.tokenization.library_trainers import train_byte_level, train_unigram
from bertkit.tokenization.tokenizer import Tokenizer
from tests.corpora.shard_files import wordpiece

LINES = [
    "Hello (hello) there, it's the café of U.S. people; 1,000 of them!",
    "naïve façade über straße: don't play playing played player",
    "the Hindi word हिन्दी and the emoji 😀 are here, 你好世界 too",
] * 20


def words_of(tokenizer: Tokenizer, text: str) -> list[str]:
    ids = np.array(tokenizer.tokenize([text])[0].ids)
    begins = WordTable.of(tokenizer).begins(ids, np.array([0]))
    assert begins[0]
    groups = np.split(ids, np.flatnonzero(begins)[1:])
    return [tokenizer.decode(group.tolist(), special_tokens=True).strip() for group in groups]


def test_wordpiece_words_begin_where_no_sign_of_going_on_is(tmp_path: Path) -> None:
    tokenizer = wordpiece(tmp_path, ["play", "##ing", "##ed", "(", ")", ",", "你", "##好", "好"])
    assert words_of(tokenizer, "(playing, played)") == ["(", "playing", ",", "played", ")"]
    assert words_of(tokenizer, "你好") == ["你", "好"]


@pytest.mark.parametrize("vocab_size", [270, 320, 400])
def test_byte_level_words(vocab_size: int) -> None:
    tokenizer = Tokenizer(train_byte_level(LINES, vocab_size=vocab_size))
    text = "Hello (hello) there, the café of people; naïve straße\nplaying"
    expected = ["Hello", "(", "hello", ")", "there", ",", "the", "café", "of", "people", ";", "naïve", "straße"]
    assert [word for word in words_of(tokenizer, text) if word] == [*expected, "playing"]


def test_unigram_words() -> None:
    tokenizer = Tokenizer(train_unigram(LINES, vocab_size=120))
    text = "Hello (hello) there, the café of हिन्दी people; 1"
    expected = ["Hello", "(", "hello", ")", "there", ",", "the", "café", "of", "हिन्दी", "people", ";", "1"]
    assert words_of(tokenizer, text) == expected


def test_a_piece_of_a_script_without_spaces_is_a_word() -> None:
    assert words_of(Tokenizer(train_unigram(LINES, vocab_size=120)), "你好") == ["你", "好"]


def test_each_token_of_a_vocabulary_of_words_is_one() -> None:
    backend = tokenizers.Tokenizer(models.WordLevel({"a": 0, "b": 1, "[UNK]": 2}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    assert words_of(Tokenizer(backend), "a b b") == ["a", "b", "b"]


def test_words_end_around_special_tokens_and_at_the_ends_of_sequences(tmp_path: Path) -> None:
    tokenizer = wordpiece(tmp_path, ["a", "##b"])
    ids = np.array([2, 5, 6, 3, 6, 6, 3, 6, 6])  # [CLS] a ##b [SEP] ##b ##b [SEP] | ##b ##b
    begins = WordTable.of(tokenizer).begins(ids, np.array([0, 7]))
    assert begins.tolist() == [False, True, False, False, True, False, False, True, False]


def test_ids_that_the_vocabulary_skips_are_not_ordinary_tokens() -> None:
    backend = tokenizers.Tokenizer(models.WordLevel({"a": 0, "b": 3, "[UNK]": 1}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    table = WordTable.of(Tokenizer(backend))
    assert len(table.special_V) == Tokenizer(backend).vocab_size
    assert not table.special_V[0]
    assert table.special_V.tolist() == [False, True, True, False]
