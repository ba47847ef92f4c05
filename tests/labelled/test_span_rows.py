from __future__ import annotations

from pathlib import Path

import pytest

from bertkit.labelled.examples import Tagged
from bertkit.labelled.reading import is_labelled
from tests.labelled.example_files import as_jsonl, examples_of, refusal, written

TASK = "token-classification"
SPAN = [0, 3, "PER"]


@pytest.mark.parametrize("name", ["label", "labels", "Label"])
def test_spans_under_the_name_of_a_label(tmp_path: Path, name: str) -> None:
    first, second = examples_of(tmp_path, TASK, {"text": "Ada slept", name: []}, {"text": "Ada slept", name: [SPAN]})
    words = ((0, 3), (4, 9))
    assert (first.target, second.target) == (Tagged(words, ("O", "O")), Tagged(words, ("B-PER", "O")))


def test_spans_that_a_table_spells(tmp_path: Path) -> None:
    (one,) = examples_of(tmp_path, TASK, {"text": "Ada", "label": '[{"start": 0, "end": 3, "labels": ["PER"]}]'})
    assert one.target == Tagged(((0, 3),), ("B-PER",))


def test_labels_that_are_no_spans_are_no_entities(tmp_path: Path) -> None:
    for label in ("x", ["x"], 3):
        row = {"text": "Ada", "label": label}
        assert refusal(tmp_path, TASK, row).startswith("rows.jsonl: neither words nor entities")
        assert not is_labelled(written(tmp_path, "a.jsonl", as_jsonl(row)), TASK)
