from __future__ import annotations

from pathlib import Path

import pytest

import bertkit
from bertkit.errors import InputError
from bertkit.evaluation.scored_model import scored_model
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, Tagged
from tests.parity.task_peers import make_task_peer


def ignored(examples: float) -> None: ...


def test_tags_of_another_scheme_are_read_as_the_models(tmp_path: Path) -> None:
    make_task_peer("token-classification", tmp_path, labels=("O", "B-PER", "I-PER"))
    model = bertkit.load(tmp_path, dtype="float32")
    example = Example(Row({"text": "w1 w2"}, "d:1"), Tagged(((0, 2), (3, 5)), ("I-PER", "I-PER")), "1")
    found = scored_model(model, None, [example], ignored)
    assert found.examples[0].target == Tagged(((0, 2), (3, 5)), ("B-PER", "I-PER"))
    assert found.problem is None
    other = Example(Row({"text": "w1"}, "d:1"), Tagged(((0, 2),), ("B-LOC",)), "1")
    with pytest.raises(InputError, match="no predicted label is one of the data's"):
        scored_model(model, None, [other], ignored)


def test_a_classifier_says_what_it_answers_for(tmp_path: Path) -> None:
    make_task_peer("text-classification", tmp_path, problem_type="multi_label_classification")
    model = bertkit.load(tmp_path, dtype="float32")
    found = scored_model(model, None, [Example(Row({"text": "w1"}, "d:1"), ("yes",), "1")], ignored)
    assert found.problem == "multi-label"
    assert "f1_micro" in found.scores.metrics
