from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bertkit.tokenization.digest import vocab_sha256
from bertkit.tokenization.tokenizer import Tokenizer
from tests.tokenization.conftest import write_folder

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "é"]


def test_it_is_the_digest_of_the_file(tmp_path: Path) -> None:
    write_folder(tmp_path, PIECES)
    expected = hashlib.sha256((tmp_path / "vocab.txt").read_bytes()).hexdigest()
    assert vocab_sha256(PIECES) == Tokenizer.load(tmp_path).vocab_sha256() == expected


def test_order_and_added_tokens_count(tmp_path: Path) -> None:
    assert vocab_sha256(["a", "b"]) != vocab_sha256(["b", "a"]) != vocab_sha256(["ba"])
    added = {str(len(PIECES)): {"content": "[E]", "special": True}}
    tokenizer = Tokenizer.load(write_folder(tmp_path, PIECES, added_tokens_decoder=added))
    assert tokenizer.vocab_sha256() == vocab_sha256([*PIECES, "[E]"])


@pytest.mark.data
def test_the_published_vocabulary(google_folder: Path) -> None:
    digest = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
    assert Tokenizer.load(google_folder).vocab_sha256() == digest
