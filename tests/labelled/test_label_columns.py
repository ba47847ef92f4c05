from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.errors import InputError
from bertkit.labelled.reading import read_examples
from tests.labelled.example_files import examples_of, refusal, written

TASK = "text-classification"


@pytest.mark.parametrize(("on", "off"), [(1, 0), ("1", "0"), (True, False), ("True", "False"), (1.0, 0.0)])
def test_switches_however_they_are_written(tmp_path: Path, on: object, off: object) -> None:
    rows = [{"doc_id": 3, "text": "a", "x": on, "y": off}, {"doc_id": 4, "text": "b", "x": off, "y": off}]
    assert [one.target for one in examples_of(tmp_path, TASK, *rows)] == [("x",), ()]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"text": "a", "x": 1}, ": no column 'label'"),  # one column: it could be anything
        ({"text": "a", "x": 1, "y": 0, "length": 7}, ": no column 'label'"),
        ({"x": 1, "y": 0}, ": no column 'label'"),
        ({"text": "a", "x": 1, "y": 0, "z": "3"}, ": no column 'label'"),
    ],
)
def test_what_is_not_sure_is_asked_about(tmp_path: Path, row: dict[str, object], told: str) -> None:
    assert refusal(tmp_path, TASK, row).startswith(f"rows.jsonl{told}")


def test_a_column_of_the_label_goes_before_switches(tmp_path: Path) -> None:
    row = {"text": "a", "x": 1, "y": 0, "Label": "pos"}
    assert [one.target for one in examples_of(tmp_path, TASK, row)] == ["pos"]


def test_a_later_row_that_has_no_switch_is_told(tmp_path: Path) -> None:
    rows = [{"text": "a", "x": 1, "y": 0}, {"text": "b", "x": 5, "y": 0}]
    assert refusal(tmp_path, TASK, *rows) == "rows.jsonl:2: the field 'x' is 5, not 0 or 1"


def test_columns_that_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "text,label,x,y\na,9,1,1\nb,9,0,1\n")
    assert [one.target for one in read_examples(path, TASK, columns={"label": "x, y"})] == [("x", "y"), ("y",)]
    with pytest.raises(InputError, match=r"a.csv:2: no column 'z'; the columns are 'text', 'label', 'x', 'y'"):
        list(read_examples(path, TASK, columns={"label": "x,z"}))
