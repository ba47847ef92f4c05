from __future__ import annotations

import pytest
from pydantic import ValidationError

from bertkit.config.data_source import RowsInMemory, Sources, each_source
from bertkit.config.strict import Strict


class Table(Strict):
    train: Sources


def test_the_same_rows_are_the_same_and_others_are_not() -> None:
    rows = RowsInMemory("train", [{"text": "a\ud800", "when": object}])
    assert rows == RowsInMemory("train", [{"text": "a\ud800", "when": object}])
    assert hash(rows) == hash(RowsInMemory("train", rows.rows))
    assert rows != RowsInMemory("eval", rows.rows)
    assert rows != RowsInMemory("train", [*rows.rows, {}])
    assert rows != "train"


def test_a_file_has_the_fingerprint_in_their_place() -> None:
    rows = RowsInMemory("train", [{"text": "secret"}])
    table = Table(train=rows)
    assert table.train is rows
    assert table.model_dump(mode="json") == {"train": f"train: 1 rows in memory, sha256 {rows.sha256}"}
    assert "secret" not in repr(table)


def test_a_path_several_or_rows() -> None:
    rows = RowsInMemory("train", [])
    assert each_source(Table(train="a").train) == ("a",)
    assert each_source(Table(train=["a", rows]).train) == ("a", rows)
    written = Table(train=["a", rows]).model_dump(mode="json")
    assert written == {"train": ["a", str(rows)]}
    assert Table(train="a").model_dump(mode="json") == {"train": "a"}
    assert Table.model_validate(written).train == ["a", str(rows)]
    for bad in ([], 5, {"a": 1}):
        with pytest.raises(ValidationError):
            Table.model_validate({"train": bad})
