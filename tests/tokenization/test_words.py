"""Words of the user's text are the same whatever the tokenizer makes of it."""

from __future__ import annotations

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import models, normalizers, pre_tokenizers, processors, trainers

from bertkit.tokenization.tokenizer import Tokenizer
from bertkit.tokenization.words import Word, words_of
from tests.tokenization.texts import HOSTILE

LINES = [
    "Ada Lovelace's notes (1843) were read in Paris, London and the U.S. by M. de Prony.",
    "l'Europe coûte 5.975,74 euros; playing tokenization Schiphol Groenlinks praat over Schiphol.",
    "e-mail to ada@example.org or http://example.org/a_b 10:30 50% $3.50 C++ #1",
]
CASES = {
    "Groenlinks praat over Schiphol.": "Groenlinks|praat|over|Schiphol|.",  # transformers#11887
    "5.975,74": "5.975,74",  # transformers#23322
    "(Paris), Paris.": "(|Paris|)|,|Paris|.",  # transformers#27876: punctuation hid the name behind it
    "l'Europe": "l|'|Europe",
    "Ada's U.S. house": "Ada|'|s|U.S|.|house",
    "10:30 3.5 1,000 a,b v1.2.": "10|:|30|3.5|1,000|a|,|b|v1.2|.",
    "a\n\n  b\tc": "a|b|c",
    "北京大学 and 東京": "北|京|大|学|and|東|京",
    "cafe\u0301s na\u00efve": "cafe\u0301s|na\u00efve",
    "hello_world": "hello_world",
    "...": ".|.|.",
}


def wordpiece() -> Tokenizer:
    backend = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=160, special_tokens=["[UNK]", "[CLS]", "[SEP]"], initial_alphabet=list(map(chr, range(33, 127)))
    )
    backend.train_from_iterator([*LINES, *CASES] * 3, trainer)
    return Tokenizer(backend)


def byte_level(trim: bool) -> Tokenizer:
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.post_processor = processors.ByteLevel(trim_offsets=trim)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet, special_tokens=["<s>"])
    backend.train_from_iterator([*LINES, *CASES] * 3, trainer)
    return Tokenizer(backend)


def unigram() -> Tokenizer:
    backend = tokenizers.Tokenizer(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=170, unk_token="<unk>", special_tokens=["<unk>", "<s>"])
    backend.train_from_iterator([*LINES, *CASES] * 3, trainer)
    return Tokenizer(backend)


@pytest.fixture(scope="module", params=["WordPiece", "byte-level BPE", "byte-level BPE with spaces", "unigram"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    makers = {"WordPiece": wordpiece, "unigram": unigram}
    return makers[request.param]() if request.param in makers else byte_level("spaces" not in request.param)


@pytest.mark.parametrize(("text", "expected"), CASES.items())
def test_the_same_words_whatever_the_pieces(tokenizer: Tokenizer, text: str, expected: str) -> None:
    """But for pieces that hold two words (`),` and `'s` of byte-level BPE): a piece is never divided."""
    offsets = tokenizer.tokenize([text], offsets=True)[0].offsets
    assert offsets is not None
    merged: list[tuple[int, int]] = []
    end = 0
    for word in expected.split("|"):
        start, end = text.index(word, end), text.index(word, end) + len(word)
        if merged and any(piece[0] < start == merged[-1][1] < piece[1] for piece in offsets):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    assert [(word.start, word.end) for word in words_of(text, offsets)] == merged
    assert tokenizer.algorithm == "BPE" or text == "..." or len(merged) == expected.count("|") + 1


def check(text: str, found: list[Word], pieces: int) -> None:
    place, seen = 0, -1
    for word in found:
        assert place <= word.start < word.end <= len(text)
        assert not text[word.start].isspace()
        assert not text[word.end - 1].isspace()
        assert list(word.pieces) == sorted(set(word.pieces))
        assert seen < word.pieces[0] <= word.pieces[-1] < pieces
        place, seen = word.end, word.pieces[-1]


@given(st.one_of(st.text(max_size=40), st.sampled_from(HOSTILE), st.lists(st.sampled_from(LINES)).map(" ".join)))
def test_words_stand_in_order_and_begin_and_end_with_something_visible(tokenizer: Tokenizer, text: str) -> None:
    if any(0xD800 <= ord(character) < 0xE000 for character in text):
        return
    offsets = tokenizer.tokenize([text], offsets=True)[0].offsets
    assert offsets is not None
    found = words_of(text, offsets)
    check(text, found, len(offsets))
    visible = [i for i, (start, end) in enumerate(offsets) if text[start:end].strip()]
    assert [piece for word in found for piece in word.pieces] == visible


def test_pieces_of_one_characters_bytes_are_one_word() -> None:
    assert words_of("é a", [(0, 1), (0, 1), (2, 3)]) == [Word(0, 1, (0, 1)), Word(2, 3, (2,))]


def test_pieces_of_nothing_are_in_no_word() -> None:
    assert words_of("a  b", [(0, 0), (0, 1), (1, 3), (3, 3), (3, 4)]) == [Word(0, 1, (1,)), Word(3, 4, (4,))]
    assert words_of("", []) == words_of("  ", [(0, 2)]) == []


def test_an_emoji_with_its_marks_is_one_word() -> None:
    text = "☺\ufe0fx 👍🏽"
    assert [text[w.start : w.end] for w in words_of(text, [(0, 1), (1, 2), (2, 3), (4, 5), (5, 6)])] == [
        "☺\ufe0f",
        "x",
        "👍",
        "🏽",
    ]
