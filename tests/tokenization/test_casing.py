"""Cased or uncased, with the reason."""

from __future__ import annotations

import pytest
import tokenizers
from tokenizers import models, normalizers

from bertkit.tokenization.casing import casing_of_backend, casing_of_vocabulary


@pytest.mark.parametrize(
    ("normalizer", "cased"),
    [
        (None, True),
        (normalizers.NFC(), True),
        (normalizers.Lowercase(), False),
        (normalizers.BertNormalizer(lowercase=False), True),
        (normalizers.BertNormalizer(lowercase=True), False),
        (normalizers.Sequence([normalizers.Prepend("_"), normalizers.Lowercase()]), False),
    ],
)
def test_a_finished_tokenizer(normalizer: normalizers.Normalizer | None, cased: bool) -> None:
    backend = tokenizers.Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    if normalizer is not None:
        backend.normalizer = normalizer
    casing = casing_of_backend(backend, "tokenizer.json")
    assert casing.cased is cased
    assert casing.reason == f"the normalizer of tokenizer.json {'keeps' if cased else 'lowers'} capital letters"


@pytest.mark.parametrize(
    ("piece", "cased"),
    [
        ("The", True),
        ("##S", True),
        ("Ä", True),
        ("[unused1]", False),
        ("[MASK]", False),
        ("ß", False),
        ("the", False),
        ("\U0001d400", False),  # a mathematical capital has no lower case, so that uncased vocabularies have it too
        ("\u4e2d", False),
        ("[", False),
    ],
)
def test_a_vocabulary(piece: str, cased: bool) -> None:
    assert casing_of_vocabulary({"[UNK]": 0, "a": 1, piece: 2}, "vocab.txt").cased is cased
