from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.labelled.reading import read_examples
from tests.labelled.example_files import as_jsonl, examples_of, refusal, written

CHOICE = "multiple-choice"
RANKING = "text-ranking"
ROW = {"text": "He ate", "choices": ["soup", "a chair", "2"]}


@pytest.mark.parametrize(
    ("label", "place"), [(0, 0), (2.0, 2), ("1", 1), ("a chair", 1), ("2", 2), ("soup", 0), (1, 1)]
)
def test_the_right_choice_is_a_place_or_a_text(tmp_path: Path, label: object, place: int) -> None:
    (example,) = examples_of(tmp_path, CHOICE, ROW | {"label": label, "more": 1})
    assert example.target == place
    assert example.row.fields == ROW


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"label": 3}, "'label' is 3, neither one of the choices nor a place from 0 to 2"),
        ({"label": -1}, "'label' is -1, neither one of the choices nor a place from 0 to 2"),
        ({"label": 0.5}, "'label' is 0.5, neither one of the choices nor a place from 0 to 2"),
        ({"label": True}, "'label' is True, neither one of the choices nor a place from 0 to 2"),
        ({"label": "bread"}, "'label' is 'bread', neither one of the choices nor a place from 0 to 2"),
        ({"label": None}, "no label: the field 'label' is empty"),
        ({"choices": ["a", "a"], "label": "a"}, "'label' is 'a', which is 2 of the choices"),
        ({"choices": ["a"]}, "'choices' has one text"),
        ({"choices": []}, "'choices' is an empty list"),
        ({"choices": ["a", " "]}, "the field 'choices[1]' is empty"),
        ({"choices": "a or b"}, "the field 'choices' is 'a or b', not a list"),
        ({"text": ""}, "the field 'text' is empty"),
    ],
)
def test_a_bad_choice_is_told(tmp_path: Path, change: dict[str, object], told: str) -> None:
    assert refusal(tmp_path, CHOICE, ROW | {"label": 0} | change) == f"rows.jsonl:1: {told}"


def test_a_query_with_its_documents(tmp_path: Path) -> None:
    row = {"query": "q", "documents": ["a", "b"], "labels": [1, "0.5"], "id": "q7"}
    (example,) = examples_of(tmp_path, RANKING, row)
    assert example.target == (1.0, 0.5)
    assert (example.row.fields, example.id) == ({"query": "q", "documents": ["a", "b"], "id": "q7"}, "q7")


def test_all_rows_of_one_query_are_one_example(tmp_path: Path) -> None:
    rows = [
        {"query": query, "document": document, "label": label}
        for query, document, label in [("q", "a", 1), ("q", "b", 0), ("r", "c", 1), ("q", "d", 2)]
    ]
    notes: list[str] = []
    found = list(read_examples(written(tmp_path, "a.jsonl", as_jsonl(*rows)), RANKING, note=notes.append))
    assert [(example.row.fields["query"], example.row.fields["documents"], example.target) for example in found] == [
        ("q", ["a", "b", "d"], (1.0, 0.0, 2.0)),
        ("r", ["c"], (1.0,)),
    ]
    assert [example.row.place[-1] for example in found] == ["1", "3"]
    assert [example.id for example in found] == ["0", "1"]
    assert [note.partition(": ")[2] for note in notes] == [
        "rows of 1 of 2 queries stand apart, and are read together: all documents of a query are ranked at once"
    ]


def test_rows_that_stand_together_need_no_word(tmp_path: Path) -> None:
    rows = [{"query": query, "document": "a", "label": 1} for query in "qqrr"]
    notes: list[str] = []
    assert len(list(read_examples(written(tmp_path, "a.jsonl", as_jsonl(*rows)), RANKING, note=notes.append))) == 2
    assert notes == []


def test_other_names_are_known(tmp_path: Path) -> None:
    (example,) = examples_of(tmp_path, RANKING, {"question": "q", "passage": "a", "relevance": 3})
    assert (example.row.fields, example.target) == ({"query": "q", "documents": ["a"]}, (3.0,))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"query": "q", "documents": ["a"], "labels": [1, 2]}, ":1: 1 documents and 2 in 'labels'"),
        ({"query": "q", "documents": [], "labels": []}, ":1: 'documents' is an empty list"),
        ({"query": "q", "documents": ["a"], "labels": ["x"]}, ":1: the field 'labels[0]' is 'x', not a finite number"),
        ({"query": "q", "documents": ["a"], "labels": 1}, ":1: the field 'labels' is 1, not a list"),
        ({"query": "", "documents": ["a"], "labels": [1]}, ":1: the field 'query' is empty"),
        ({"query": "q", "document": "", "label": 1}, ":1: the field 'document' is empty"),
        ({"query": "q", "document": "a", "label": None}, ":1: the field 'label' is empty"),
        ({"query": " ", "document": "a", "label": 1}, ":1: the field 'query' is empty"),
        ({"query": "q", "label": 1}, ": no column 'document'; the columns are 'query', 'label'"),
        ({"query": "q", "document": "a"}, ": no column 'label'; the columns are 'query', 'document'"),
    ],
)
def test_a_bad_ranking_is_told(tmp_path: Path, row: dict[str, object], told: str) -> None:
    assert refusal(tmp_path, RANKING, row) == f"rows.jsonl{told}"
