from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example
from tests.labelled.example_files import examples_of, refusal

CLASSES = "text-classification"


def test_a_text_and_its_label(tmp_path: Path) -> None:
    (example,) = examples_of(tmp_path, CLASSES, {"review": "good", "sentiment": 1, "stars": 5, "id": "r7"})
    assert example == Example(Row({"text": "good"}, f"{tmp_path}/rows.jsonl:1"), "1", "r7")


def test_examples_without_an_id_are_counted(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": "x"}, {"text": "b", "label": "y", "id": 17}, {"text": "c", "label": "y", "id": None}]
    assert [example.id for example in examples_of(tmp_path, CLASSES, *rows)] == ["0", "17", "2"]


def test_a_pair_and_its_label(tmp_path: Path) -> None:
    (example,) = examples_of(tmp_path, CLASSES, {"premise": "p", "hypothesis": "h", "gold_label": "neutral"})
    assert example.row.fields == {"text": "p", "text_pair": "h"}
    assert example.target == "neutral"


def test_a_row_may_have_a_pair_where_the_first_has_none(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": "x"}, {"text": "a", "text_pair": "b", "label": "y"}]
    fields = [example.row.fields for example in examples_of(tmp_path, CLASSES, *rows)]
    assert fields == [{"text": "a"}, {"text": "a", "text_pair": "b"}]
    fields = [example.row.fields for example in examples_of(tmp_path, CLASSES, *reversed(rows))]
    assert fields == [{"text": "a", "text_pair": "b"}, {"text": "a"}]


def test_several_labels_and_numbers(tmp_path: Path) -> None:
    rows = [{"text": "a", "labels": ["x", "y"]}, {"text": "b", "labels": []}]
    assert [example.target for example in examples_of(tmp_path, CLASSES, *rows)] == [("x", "y"), ()]
    rows = [{"text": "a", "score": 4.5}, {"text": "b", "score": 3}]
    targets = [example.target for example in examples_of(tmp_path, CLASSES, *rows)]
    assert targets == [4.5, 3.0]
    assert all(isinstance(target, float) for target in targets)
    assert [example.target for example in examples_of(tmp_path, CLASSES, *rows, problem="single-label")] == ["4.5", "3"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"text": "b"}, "rows.jsonl:2: no label: the field 'label' is empty"),
        ({"text": "b", "label": None}, "rows.jsonl:2: no label: the field 'label' is empty"),
        ({"text": "b", "label": ""}, "rows.jsonl:2: the field 'label' is an empty label"),
        ({"text": "", "label": "x"}, "rows.jsonl:2: the field 'text' is empty"),
        ({"label": "x"}, "rows.jsonl:2: the field 'text' is empty"),
        ({"text": 3, "label": "x"}, "rows.jsonl:2: the field 'text' is 3, not text"),
        ({"text": "a", "text_pair": "", "label": "x"}, "rows.jsonl:2: the field 'text_pair' is empty"),
    ],
)
def test_a_bad_row_is_told(tmp_path: Path, row: dict[str, object], told: str) -> None:
    assert refusal(tmp_path, CLASSES, {"text": "a", "label": "x"}, row) == told


def test_errors_call_a_column_as_the_file_does(tmp_path: Path) -> None:
    rows = [{"body": "a", "stars": 1.5}, {"body": "b", "stars": "many"}]
    told = refusal(tmp_path, CLASSES, *rows, text="body", label="stars", problem="regression")
    assert told == "rows.jsonl:2: the field 'stars' is 'many', not a finite number"


@pytest.mark.parametrize("task", ["fill-mask", "feature-extraction"])
def test_what_has_no_target_reads_texts_and_pairs(task: str, tmp_path: Path) -> None:
    """A second text is text, too, and none is dropped; a label is none."""
    (example,) = examples_of(tmp_path, task, {"text": "a", "text_pair": "b", "label": "x"})
    assert (example.row.fields, example.target) == ({"text": "a", "text_pair": "b"}, None)
