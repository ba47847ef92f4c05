from __future__ import annotations

import pytest

from bertkit.corpora.scripts import dense_share, may_have_dense, spaced


def test_each_character_of_a_dense_script_is_a_word() -> None:
    assert spaced("abc 見る de").split() == ["abc", "見", "る", "de"]
    assert spaced("naïve – text") == "naïve – text"  # noqa: RUF001


@pytest.mark.parametrize("text", ["中", "ひ", "カ", "한", "ไ", "ລ", "ខ", "မ", "བ", "𠀀", "豈"])
def test_what_looks_at_bytes_misses_none(text: str) -> None:
    assert dense_share(text) == 1.0
    assert may_have_dense(f"text {text}".encode())


def test_shares() -> None:
    assert dense_share("plain") == dense_share("Ελληνικά") == dense_share("") == 0.0
    assert dense_share("ab中文") == 0.5
    assert not may_have_dense("naïve – “text” Ελληνικά עברית".encode())  # noqa: RUF001
