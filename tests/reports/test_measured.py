from __future__ import annotations

import pytest

from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, References
from bertkit.metrics.results import Prediction
from bertkit.metrics.task_scores import score_answers, score_results
from bertkit.reports.measured import Measured


def measured(problem: str | None = None) -> Measured:
    scores = [0.9, 0.2, 0.6, 0.4]
    answers = [
        Prediction({"labels": [{"label": "a", "score": one}, {"label": "b", "score": 1 - one}]}, "p") for one in scores
    ]
    examples = [Example(Row({"text": "x"}, f"data:{n}"), label, str(n)) for n, label in enumerate("aabb")]
    found = score_results("text-classification", None, answers, examples)
    return Measured("m on d", "text-classification", problem, answers, examples, found, found, "itself")  # type: ignore[arg-type]


def test_what_follows_from_answers_and_scores() -> None:
    found = measured()
    assert found.problem == "single-label"  # the examples say it
    assert found.scores.metrics["accuracy"] == 0.5
    assert found.intervals["accuracy"].value == 0.5
    assert found.comparison["accuracy"].difference == 0
    assert [one.place for one in found.errors] == ["data:1", "data:2"]  # the surer of the two first
    assert len(found.analysed) == 4


def test_without_resamples_and_with_answers_by_id() -> None:
    examples = [Example(Row({"question": "q", "context": "c d"}, "d:1"), References(("c",), (0,)), "1")]
    scores = score_answers({"1": "d"}, examples)
    found = Measured("m", "question-answering", None, {"1": "d"}, examples, scores)
    assert (found.problem, found.comparison) == (None, {})
    assert [(one.right, one.said) for one in found.errors] == [("c", "d")]
    with pytest.raises(AttributeError):
        found.subject = "another"  # type: ignore[misc]
