from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from bertkit.errors import BadIndex, UserError
from bertkit.retrieval.tables import NAME, Tables, read_tables, written_tables
from tests.retrieval.made_index import settings


def test_a_change_happens_or_does_not(tmp_path: Path) -> None:
    with written_tables(tmp_path, settings()) as tables:
        with tables.change():
            tables.put_fact("one", [1])
        with suppress(ZeroDivisionError), tables.change():
            tables.put_fact("one", [2])
            raise ZeroDivisionError
        assert (tables.fact("one"), tables.fact("two", 2)) == ([1], 2)
        assert tables.settings == settings()
    with written_tables(tmp_path, settings("int8")) as tables:
        assert tables.settings == settings()  # those of the index that is there


def test_who_reads_sees_one_moment(tmp_path: Path) -> None:
    with written_tables(tmp_path, settings()) as written, read_tables(tmp_path) as read:
        assert read.fact("one") is None
        with written.change():
            written.put_fact("one", 1)
        assert read.fact("one") is None
        with read_tables(tmp_path) as later:
            assert later.fact("one") == 1


def test_tables_of_another_kind_are_refused(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / NAME).close()
    with pytest.raises(UserError, match="no index"), read_tables(tmp_path):
        pass
    with written_tables(tmp_path, settings()) as tables:
        with tables.change():
            tables.put_fact("settings", {"precision": "float64"})
        with pytest.raises(BadIndex, match="its settings cannot be read"):
            _ = tables.settings


def test_a_python_that_cannot_search_for_words_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Tables, name: str, value: object) -> None:
        raise sqlite3.OperationalError("no such module: fts5")

    monkeypatch.setattr(Tables, "put_fact", refuse)
    with pytest.raises(UserError, match="FTS5"), written_tables(tmp_path, settings()):
        pass
