from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from bertkit.errors import InputError
from bertkit.formats.json_rows import is_list_of_rows, read_json_rows
from bertkit.formats.rows import read_rows

ROWS = [{"text": "a", "label": 1}, {"text": "b", "label": 0}]


def read(value: object) -> list[object]:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    found = read_json_rows(io.BytesIO(raw), "f", print)
    return [str(row) if isinstance(row, InputError) else row for _, row in found]


@pytest.mark.parametrize(
    "value",
    [
        ROWS,
        {"data": ROWS},
        {"version": "1", "examples": ROWS},
        {"schema": {"fields": [{"name": "text"}]}, "data": ROWS},  # pandas' table
        {"text": ["a", "b"], "label": [1, 0]},
        {"text": {"0": "a", "1": "b"}, "label": {"0": 1, "1": 0}},
        {"0": ROWS[0], "1": ROWS[1]},
        {"columns": ["text", "label"], "index": [0, 1], "data": [["a", 1], ["b", 0]]},
    ],
)
def test_the_forms_of_rows(value: object) -> None:
    assert read(value) == ROWS


def test_one_object_texts_and_pairs() -> None:
    assert read({"text": "a"}) == [{"text": "a"}]
    assert read(["a", "b"]) == [{"text": "a"}, {"text": "b"}]
    assert read([["a", {"entities": []}]]) == [{"text": "a", "entities": []}]
    assert read([]) == []


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (3, "f: a JSON value that holds no rows"),
        ({"train": ROWS, "test": ROWS}, "f: rows under 'train', 'test'"),
        ({"text": ["a"], "label": [1, 2]}, "f: its columns are not of one length"),
        (b'[{"text": "a"}', "f:1: not valid JSON at column 15: Expecting ',' delimiter"),
        (b'{"text": "a"}\n{"text": "b"}', "f:2: not valid JSON at column 1: Extra data"),
        (b"[" * 100_000, "f: the JSON is nested too deeply"),
    ],
)
def test_what_is_refused_whole(value: object, told: str) -> None:
    with pytest.raises(InputError) as caught:
        read(value)
    assert str(caught.value) == told
    assert caught.value.remedy


def test_a_bad_row_is_an_error_of_its_own() -> None:
    assert read([{"text": "a"}, 3, None]) == [
        {"text": "a"},
        "f:2: a JSON number where an object belongs",
        "f:3: a JSON constant where an object belongs",
    ]
    assert "surrogate" in str(read(b'[{"text": "\\ud800"}]')[0])


@pytest.mark.parametrize(
    ("head", "is_list"),
    [
        ("[", True),
        (' \n[{"text": "a"},\n', True),
        ('[{"a": 1}, {"a": 2}]', True),
        ('["a", {"entities": []}]\n["b", {}]', False),
        ('[["a", {"entities": []}]]', True),
        ("[1]\n", False),
        ("[]\n", False),
        ('{"a": 1}', False),
        ("", False),
    ],
)
def test_a_list_is_told_from_a_value_a_line(head: str, is_list: bool) -> None:
    assert is_list_of_rows(head) is is_list


def test_a_list_where_lines_were_said_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(ROWS))
    for format in ("jsonl", "json", None):
        assert [row.fields for row in read_rows(str(path), format=format)] == ROWS
