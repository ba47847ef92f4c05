from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.corpora.prepare import Writing, prepare
from bertkit.corpora.shards import HELD_OUT
from bertkit.tokenization.tokenizer import Tokenizer
from tests.corpora.prepared import RECIPE, WORDS, documents_of, ids_of, texts, write


@pytest.fixture(scope="module")
def vocab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]) + "\n")
    return path


@pytest.fixture(scope="module")
def tokenizer(vocab: Path) -> Tokenizer:
    return Tokenizer.load_file(vocab)


def test_held_out_documents_are_chosen_by_their_text(tokenizer: Tokenizer, tmp_path: Path) -> None:
    given = [text for text in dict.fromkeys(texts(300)) if text != "\x01"]
    recipe = RECIPE.model_copy(update={"held_out": 0.2})
    path = write(tmp_path / "c.jsonl", given)
    prepare([path], tmp_path / "all", tokenizer, recipe)
    prepare([write(tmp_path / "back.jsonl", given[::-1])], tmp_path / "back", tokenizer, recipe)
    held = list(documents_of(tmp_path / "all" / HELD_OUT))
    assert 0.1 * len(given) < len(held) < 0.3 * len(given)
    assert list(documents_of(tmp_path / "back" / HELD_OUT)) == held[::-1]
    trained = list(documents_of(tmp_path / "all"))
    assert sorted([*trained, *held]) == sorted(ids_of(tokenizer, text) for text in given)
    assert Tokenizer.load(tmp_path / "all" / HELD_OUT / "tokenizer").vocab_size == tokenizer.vocab_size


def test_sentences_without_a_token_are_dropped(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    path.write_text("a cat\n\x01\non a mat\n\n\x01\n\na hat\n")
    manifest = prepare([str(path)], tmp_path / "made", tokenizer, RECIPE, written=Writing("blank-line"))
    found = list(documents_of(tmp_path / "made"))
    assert found == [[list(it.ids) for it in tokenizer.tokenize(["a cat", "on a mat"])], [[13, 9]]]
    assert manifest.counts["sentences_without_tokens"] == 1
    assert manifest.counts["no_tokens"] == 1
