from __future__ import annotations

from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertkit.api.data import sources
from bertkit.config.data_source import RowsInMemory
from bertkit.errors import InputError, UserError
from bertkit.formats.rows import Row
from tests.formats.test_frames import TABLE, Frame, Stream

Pair = namedtuple("Pair", ["text", "label"])
ROWS = [{"text": "a", "n": 1}, {"text": None, "n": 2}, {"text": "c", "n": 3}]


@pytest.mark.parametrize(
    "given",
    [
        ROWS,
        tuple(ROWS),
        iter(ROWS),
        [Row(row, "here") for row in ROWS],
        {"text": ["a", None, "c"], "n": np.array([1, 2, 3])},
        Frame({"text": ["a", float("nan"), "c"], "n": [1, 2, 3]}),
        TABLE,
        Stream(TABLE),
    ],
    ids=lambda given: type(given).__name__,
)
def test_every_table_is_rows(given: Any) -> None:
    found = sources(given, "train")
    assert isinstance(found, RowsInMemory)
    assert list(found.rows) == ROWS
    assert found.name == "train"


def test_values_are_as_a_file_has_them() -> None:
    given = [{"text": np.str_("a"), "tags": np.array(["x"]), "n": np.int64(3), "many": (np.float32(0.5), {"k": ()})}]
    found = sources(given, "train")
    assert isinstance(found, RowsInMemory)
    [row] = found.rows
    assert row == {"text": "a", "tags": ["x"], "n": 3, "many": [0.5, {"k": []}]}
    assert [type(value) for value in row.values()] == [str, list, int, list]


def test_texts_and_named_tuples_are_rows_too() -> None:
    texts, pairs = sources(np.array(["a", "b"]), "train"), sources([Pair("a", "x")], "train")  # type: ignore[arg-type]
    assert isinstance(texts, RowsInMemory)
    assert isinstance(pairs, RowsInMemory)
    assert list(texts.rows) == [{"text": "a"}, {"text": "b"}]
    assert list(pairs.rows) == [{"text": "a", "label": "x"}]


def test_paths() -> None:
    assert sources("a.csv", "train") == "a.csv"
    assert sources(Path("a.csv"), "train") == "a.csv"
    assert sources(["a.csv", Path("b.csv")], "train") == ["a.csv", "b.csv"]
    mixed = sources(["a.csv", Stream(TABLE)], "train")
    assert isinstance(mixed, list)
    assert [str(part)[:14] for part in mixed] == ["a.csv", "train 2: 3 row"]


@pytest.mark.parametrize("given", [5, None, b"a.csv", ("a", 5)], ids=repr)
def test_what_is_neither_is_refused(given: Any) -> None:
    with pytest.raises((UserError, InputError), match="train"):
        sources(given, "train")
