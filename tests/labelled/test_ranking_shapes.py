from __future__ import annotations

from pathlib import Path

import pytest

from tests.labelled.example_files import examples_of, refusal

TASK = "text-ranking"


def test_a_positive_anywhere_is_one(tmp_path: Path) -> None:
    rows = [
        {"anchor": "q", "positive": "a", "negative_1": "b", "negative_2": "c", "qid": 7},
        {"anchor": "q", "positive": "b", "negative_1": "", "negative_2": None},
    ]
    (one,) = examples_of(tmp_path, TASK, *rows)
    assert (one.row.fields["documents"], one.target, one.id) == (["a", "b", "c"], (1.0, 1.0, 0.0), "7")


def test_lists_as_a_table_spells_them(tmp_path: Path) -> None:
    (one,) = examples_of(tmp_path, TASK, {"query": "q", "pos": "['a', 'b']", "neg": '["c"]'})
    assert (one.row.fields["documents"], one.target) == (["a", "b", "c"], (1.0, 1.0, 0.0))


def test_a_title_goes_before_its_text(tmp_path: Path) -> None:
    (one,) = examples_of(tmp_path, TASK, {"query": "q", "pos": [{"title": "T", "text": "a"}], "neg": []})
    assert one.row.fields["documents"] == ["T a"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"query": None, "pos": "a"}, "the field 'query' is None, not text"),
        ({"query": "q", "pos": ["a", 3]}, "the field 'pos' has something that is no text"),
        ({"query": "q", "pos": [{"docid": 3}]}, "the field 'pos' has something that is no text"),
        (
            {"query": "q", "passages": {"passage_text": ["a"], "is_selected": []}},
            "'passages' has no passage_text with as many is_selected",
        ),
    ],
)
def test_a_bad_row_is_told(tmp_path: Path, row: dict[str, object], told: str) -> None:
    assert refusal(tmp_path, TASK, row) == f"rows.jsonl:1: {told}"
