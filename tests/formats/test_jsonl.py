from __future__ import annotations

import io

import pytest

from bertkit.errors import InputError
from bertkit.formats.jsonl import read_jsonl


def only_error(line: bytes) -> str:
    ((number, error),) = read_jsonl(io.BytesIO(line), "a.jsonl")
    assert number == 1
    assert isinstance(error, InputError)
    assert "--on-error record" in error.remedy or "UTF" in error.remedy
    return str(error)


def test_values_keep_their_types() -> None:
    line = b'{"text": "a", "n": 3, "x": 0.5, "yes": true, "no": null, "list": ["a", 1], "inner": {"k": "v"}}'
    ((_, values),) = read_jsonl(io.BytesIO(line), "f")
    assert values == {"text": "a", "n": 3, "x": 0.5, "yes": True, "no": None, "list": ["a", 1], "inner": {"k": "v"}}
    assert isinstance(values, dict)
    assert [type(value) for value in values.values()] == [str, int, float, bool, type(None), list, dict]


def test_blank_lines_are_skipped_and_counted() -> None:
    rows = list(read_jsonl(io.BytesIO(b'\n{"text": "a"}\r\n   \n{"text": "b"}'), "f"))
    assert rows == [(2, {"text": "a"}), (4, {"text": "b"})]


def test_bad_json_names_line_and_column() -> None:
    assert only_error(b'{"text": "a" "b"}\n') == "a.jsonl:1: not valid JSON at column 14: Expecting ',' delimiter"


@pytest.mark.parametrize(
    ("line", "kind"),
    [(b'["a"]', "list"), (b'"a"', "string"), (b"3", "number"), (b"null", "constant"), (b"true", "constant")],
)
def test_what_is_not_an_object_is_refused(line: bytes, kind: str) -> None:
    assert only_error(line) == f"a.jsonl:1: a JSON {kind} where an object belongs"


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_json_does_not_have_are_refused(constant: str) -> None:
    assert only_error(b'{"x": %s}' % constant.encode()) == f"a.jsonl:1: not valid JSON: {constant} is not a JSON number"


def test_hostile_numbers_and_nesting_are_errors_of_the_row() -> None:
    assert "not valid JSON: Exceeds the limit" in only_error(b'{"x": ' + b"9" * 5000 + b"}")
    assert only_error(b"[" * 200_000) == "a.jsonl:1: the JSON is nested too deeply"


def test_half_a_surrogate_pair_is_refused_and_a_whole_one_read() -> None:
    assert "half of a surrogate pair" in only_error(rb'{"text": "\ud83d"}')
    ((_, values),) = read_jsonl(io.BytesIO(rb'{"text": "\ud83d\ude00"}'), "f")
    assert values == {"text": "\U0001f600"}


def test_invalid_utf8_is_an_error_of_its_row() -> None:
    assert only_error(b'{"text": "\xe9"}').startswith("a.jsonl:1: not valid UTF-8")
