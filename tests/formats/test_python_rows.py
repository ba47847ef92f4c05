from __future__ import annotations

import csv
import io
from collections import UserDict, namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from bertkit.errors import InputError
from bertkit.formats.python_rows import each_row, fields_of, is_one_row
from bertkit.formats.rows import Row
from tests.formats.test_frames import TABLE, Frame, Stream

Pair = namedtuple("Pair", ["label", "text"])
PAIR = ("text", "text_pair")


class Indexed:
    """What has a length and items and no `__iter__`, as many datasets have."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, place: int) -> str:
        return ["a", "b"][place]


class Lazy:
    """A query that was not run: it has items, and no length."""

    def __getitem__(self, place: int) -> str:
        raise TypeError("not subscriptable")


class Values(list[Any]):
    """A column of pandas or polars: Arrow, and an iterable of its own values."""

    def to_list(self) -> list[Any]:
        return list(self)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        raise AssertionError("the values themselves are asked for")


ONE = [
    "a",
    np.str_("a"),
    {"text": "a"},
    UserDict({"text": "a"}),
    ("a", "b"),
    Pair("x", "a"),
    Row({"text": "a"}, "here"),
]
NO_ROWS = [None, 5, True, 2.5, float("nan"), b"a", bytearray(b"a"), memoryview(b"a"), Path("a"), object(), Lazy()]


@pytest.mark.parametrize("given", [*ONE, *NO_ROWS, np.array("a")], ids=lambda given: type(given).__name__)
def test_one_row_is_a_row_alone_whether_good_or_bad(given: object) -> None:
    assert is_one_row(given)
    assert list(each_row(given)) == [given]


MANY: list[tuple[Any, list[Any]]] = [
    (["a", "b"], ["a", "b"]),
    ([], []),
    (np.array(["a", "b"]), ["a", "b"]),
    ((text for text in "ab"), ["a", "b"]),
    ({"a": 0, "b": 0}.keys(), ["a", "b"]),
    (Indexed(), ["a", "b"]),
    (io.StringIO("a\nb\n"), ["a\n", "b\n"]),
    (csv.DictReader(io.StringIO("text,n\na,1\n")), [{"text": "a", "n": "1"}]),
    (Frame({"text": ["a", "b"]}), [{"text": "a"}, {"text": "b"}]),
    (Stream(TABLE.select(["text"])[:1]), [{"text": "a"}]),
    (pa.array(["a", "b"]), ["a", "b"]),
    (Values(["a", 5]), ["a", 5]),
]


@pytest.mark.parametrize(("given", "rows"), MANY, ids=lambda one: type(one).__name__)
def test_several_rows(given: Any, rows: list[Any]) -> None:
    assert not is_one_row(given)
    assert list(each_row(given)) == rows


@pytest.mark.parametrize(
    ("given", "fields", "expected"),
    [
        ("a", PAIR, {"text": "a"}),
        (("a", "b"), PAIR, {"text": "a", "text_pair": "b"}),
        (("who", "ada"), ("question", "context"), {"question": "who", "context": "ada"}),
        (("q", ["d", "e"]), ("query", "documents"), {"query": "q", "documents": ["d", "e"]}),
        (Pair("x", "a"), PAIR, {"label": "x", "text": "a"}),
        ({"n": 1}, PAIR, {"n": 1}),
    ],
)
def test_the_fields_of_a_row(given: object, fields: tuple[str, ...], expected: dict[str, object]) -> None:
    assert fields_of(given, fields) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, r"the text is missing \(None\)"),
        (float("nan"), r"the text is missing \(nan\)"),
        (np.float32("nan"), "the text is missing"),
        (5, "the number 5, not text"),
        (np.int64(5), "the number 5, not text"),
        (True, "the number True, not text"),
        (b"a", "of type bytes, not text"),
        (bytearray(b"a"), "of type bytearray, not text"),
        (Path("a"), "of type .*Path, not text"),
        (["a", "b"], "of type list, not text"),
        (np.array(["a", "b"]), "of type ndarray, not text"),
        ({"a"}, "of type set, not text"),
        ((), "a tuple of 0, not of 2"),
        (("a",), "a tuple of 1, not of 2"),
        (("a", "b", "c"), "a tuple of 3, not of 2"),
        (("a", None), "'text_pair' of a tuple is None"),
    ],
    ids=repr,
)
def test_what_is_no_row_is_named(given: object, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        fields_of(given, PAIR)
    assert caught.value.remedy


@pytest.mark.parametrize("given", [("a",), ("a", "b")])
def test_a_task_of_one_text_reads_no_tuple(given: object) -> None:
    with pytest.raises(InputError, match="a tuple, where only a text is read"):
        fields_of(given, ("text",))
