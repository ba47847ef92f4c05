from __future__ import annotations

from pathlib import Path

import pytest

from tests.labelled.example_files import examples_of

TASK = "multiple-choice"


@pytest.mark.parametrize(
    ("row", "choices", "place"),
    [
        ({"text": "t", "ending1": "b", "ending0": "a", "label": 1}, ["a", "b"], 1),
        ({"text": "t", "choice1": "a", "choice2": "b", "label": "0"}, ["a", "b"], 0),
        ({"text": "t", "Option A": "a", "Option B": "b", "answer": "B"}, ["a", "b"], 1),
        ({"text": "t", "sol1": "a", "sol2": "b", "label": "b"}, ["a", "b"], 1),
        ({"text": "t", "choice2": "b", "choice10": "c", "choice1": "a", "gold": "choice10"}, ["a", "b", "c"], 2),
        ({"text": "t", "choice0": "a", "choice1": "b", "choice2": "", "label": 1}, ["a", "b"], 1),
        ({"ctx": "t", "endings": ["a", "b"], "label": "1"}, ["a", "b"], 1),
        ({"startphrase": "t", "ending0": "a", "ending1": "b", "label": 1}, ["a", "b"], 1),
        ({"text": "t", "choices": ["a", "b"], "choice0": "x", "choice1": "y", "label": 0}, ["a", "b"], 0),
    ],
)
def test_columns_become_a_list(tmp_path: Path, row: dict[str, object], choices: list[str], place: int) -> None:
    (one,) = examples_of(tmp_path, TASK, row)
    assert (one.row.fields, one.target) == ({"text": "t", "choices": choices}, place)
