from __future__ import annotations

import sqlite3

import pytest

from bertkit.retrieval import lexical
from bertkit.retrieval.lexical import matching


@pytest.fixture
def words() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE words USING fts5 (text, tokenize='porter unicode61')")
    texts = ["the cat sat", "the dogs sat", "the bird", "the snake_case NEAR 4711"]
    connection.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", enumerate(texts))
    return connection


def found(words: sqlite3.Connection, query: str) -> list[int]:
    asked = matching(words, query, 4)
    return [id for (id,) in words.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank", (asked,))]


def test_the_rarest_words_come_first_and_those_of_no_passage_are_left_out(words: sqlite3.Connection) -> None:
    assert matching(words, "The cat sat; unknown THE", 4) == '"cat" OR "sat" OR "the"'
    assert matching(words, "unknown ?!", 4) == matching(words, "", 4) == ""


def test_stems_and_what_would_be_syntax_are_looked_for_as_words(words: sqlite3.Connection) -> None:
    assert found(words, "dog") == [1]
    assert found(words, 'NEAR("4711" AND *') == [3]
    assert found(words, "snake_case") == [3]


def test_words_that_are_everywhere_are_left_out_where_there_are_others(
    words: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical, "FEW", 1)
    assert matching(words, "the cat", 4) == '"cat"'
    assert matching(words, "the", 4) == '"the"'
    monkeypatch.setattr(lexical, "MOST", 2)
    assert matching(words, "cat bird dogs", 4) == '"cat" OR "bird"'
