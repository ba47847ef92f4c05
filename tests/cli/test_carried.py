from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bertkit.cli.carried import Carried
from bertkit.cli.output import json_line
from bertkit.errors import UserError
from bertkit.formats.rows import Row

Run = Callable[..., tuple[int, str, str]]
ROW = Row(
    {"id": 7, "text": "a", "when": datetime.date(2024, 1, 2), "share": 0.1234567890123, "none": float("nan")}, "f:1"
)


def test_the_id_comes_first_and_then_what_is_kept() -> None:
    assert list(Carried().beside(ROW, {"value": 1.0}).items()) == [("id", 7), ("value", 1.0)]
    kept = Carried.named("when, share,none,id").beside(ROW, {"value": 0.5})
    assert json_line(kept, "f:1") == (
        '{"id": 7, "when": "2024-01-02", "share": 0.1234567890123, "none": null, "value": 0.5}'
    )
    assert Carried().of(Row({"id": None}, "f:2")) == {}


def test_lists_and_objects_are_kept() -> None:
    row = Row({"tags": [1, 2.5, {"a": float("inf")}]}, "f:1")
    assert json_line(Carried.named("tags").of(row), "f:1") == '{"tags": [1, 2.5, {"a": null}]}'


@pytest.mark.parametrize(
    ("keep", "answer", "told"),
    [
        ("txt", {}, "f:1: no column 'txt' (did you mean 'text'?) to keep; there are 'id', 'text'"),
        ("text", {"text": "b"}, "the answer has a field 'text' too"),
    ],
)
def test_what_cannot_be_kept_is_told(keep: str, answer: dict[str, object], told: str) -> None:
    with pytest.raises(UserError) as caught:
        Carried.named(keep).beside(ROW, answer)
    assert str(caught.value).startswith(told)


def test_a_column_without_a_name() -> None:
    with pytest.raises(UserError, match="has an empty name"):
        Carried.named("id,,text")


def test_answers_and_errors_have_the_id_of_their_row(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "x", "text": "abc", "n": 1}\n{"id": "y", "text": 3, "n": 2}\n[]\n')
    code, out, err = run("predict", "-i", str(path), "--keep", "n", "--on-error", "record", "--json")
    first, second, third = map(json.loads, out.splitlines())
    assert (code, first["id"], first["n"], second["id"], second["n"]) == (0, "x", 1, "y", 2)
    assert list(first)[:3] == ["id", "n", "embedding"]
    assert "no usable text" in second["error"]["message"]
    assert list(third) == ["error"]
    assert "2 of 3 rows failed" in err
