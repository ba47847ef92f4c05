from __future__ import annotations

import random
from pathlib import Path

import pytest
import tokenizers
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import AddedToken, models, normalizers, pre_tokenizers

from bertkit.corpora.documents import read_documents
from bertkit.corpora.sentences import split_sentences
from bertkit.errors import InputError
from bertkit.tokenization.run_cache import RunCache
from bertkit.tokenization.tokenizer import Tokenizer

PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *"abcdei.,-[]()=中",
    *(f"##{c}" for c in "abcdei"),
    "mask",
    "##́",
]


def bert(lowercase: bool = True, added: tuple[AddedToken, ...] = ()) -> Tokenizer:
    backend = tokenizers.Tokenizer(models.WordPiece({piece: id for id, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", AddedToken("[MASK]", lstrip=True, special=True)])
    backend.add_tokens(list(added))
    return Tokenizer(backend)


TOKENIZERS = [bert(), bert(lowercase=False)]
CHARACTERS = " \t\n\x00\x1c\u00a0\u2028\u200b\u0301\u0338\ufffdabcdeiAEIİéé.,-[]()=中文MASK"
ODD = st.lists(st.one_of(st.text(CHARACTERS, max_size=12), st.text(max_size=5), st.sampled_from([" [MASK] ", "[SEP]"])))


def slow(tokenizer: Tokenizer, texts: list[str]) -> tuple[list[int], list[int]]:
    found = tokenizer.tokenize(texts)
    return [id for tokens in found for id in tokens.ids], [len(tokens) for tokens in found]


@given(st.lists(ODD.map("".join), max_size=5))
@example([])
@example([""])
@example(["a \x1c b\x1cc", " \u0301a e\u0301 =\u0338", "a" * 101 + " " + "b" * 100, "a[MASK] [MASK]a  [MASK]"])
def test_the_tokens_are_those_of_the_tokenizer(texts: list[str]) -> None:
    for tokenizer in TOKENIZERS:
        cache = RunCache(tokenizer, most_characters=20)
        assert cache.exact
        for _ in range(2):
            ids, lengths = cache.tokenize(texts)
            assert (ids.tolist(), lengths.tolist()) == slow(tokenizer, texts)


def test_many_runs_and_much_forgetting() -> None:
    chance = random.Random(0)
    texts = [" ".join("".join(chance.choices("abcde.", k=chance.randint(0, 6))) for _ in range(9)) for _ in range(800)]
    cache = RunCache(TOKENIZERS[0], most_characters=1_000)
    for place in range(0, 800, 100):
        ids, lengths = cache.tokenize(texts[place : place + 100])
        assert (ids.tolist(), lengths.tolist()) == slow(TOKENIZERS[0], texts[place : place + 100])


@pytest.mark.parametrize(
    "added",
    [
        AddedToken("b c", normalized=False),
        AddedToken("abc", normalized=True),
        AddedToken("abc", rstrip=True, normalized=False),
    ],
)
def test_other_rules_go_to_the_tokenizer(added: AddedToken) -> None:
    tokenizer = bert(added=(added,))
    cache = RunCache(tokenizer)
    assert not cache.exact
    texts = ["a b c d", "abc  d", ""]
    ids, lengths = cache.tokenize(texts)
    assert (ids.tolist(), lengths.tolist()) == slow(tokenizer, texts)


def test_other_algorithms_go_to_the_tokenizer() -> None:
    backend = tokenizers.Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    cache = RunCache(Tokenizer(backend))
    assert not cache.exact
    assert cache.tokenize(["a b", "", "a"])[0].tolist() == [1, 0, 1]


@pytest.mark.slow
@pytest.mark.data
def test_wikipedia(test_data: Path) -> None:
    tokenizer = Tokenizer.load_file(test_data / "vocab/bert-base-uncased-vocab.txt")
    cache = RunCache(tokenizer)
    for document in read_documents(str(test_data / "wikipedia/wiki_07.txt.gz")):
        sentences = split_sentences(document.text or "")
        ids, lengths = cache.tokenize(sentences)
        assert (ids.tolist(), lengths.tolist()) == slow(tokenizer, sentences)


@pytest.mark.parametrize("bad", ["cde \ud800 ab", None, b"cde"], ids=["half a surrogate pair", "None", "bytes"])
def test_a_call_that_failed_leaves_nothing_behind(bad: object) -> None:
    """Its runs were numbered but never looked up; the next call's runs were given the ids of others."""
    cache = RunCache(TOKENIZERS[0])
    cache.tokenize(["a b"])
    with pytest.raises(InputError, match="text 2 of 3"):
        cache.tokenize(["ab ba", bad, "abc"])  # type: ignore[list-item]
    texts = ["abc cba", "ab", "a cde b"]
    ids, lengths = cache.tokenize(texts)
    assert (ids.tolist(), lengths.tolist()) == slow(TOKENIZERS[0], texts)


def test_an_interrupted_call_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = RunCache(TOKENIZERS[0])

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Tokenizer, "tokenize", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cache.tokenize(["ab ba"])
    ids, lengths = cache.tokenize(["abc ab"])
    assert (ids.tolist(), lengths.tolist()) == slow(TOKENIZERS[0], ["abc ab"])
