from __future__ import annotations

import math
import sys
from pathlib import Path
from subprocess import run
from typing import Any

import pytest

from bertkit.errors import InputError, UserError
from bertkit.families.labels import Problem
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, References, Tagged, Target
from bertkit.metrics.intervals import intervals_of
from bertkit.metrics.results import Prediction
from bertkit.metrics.task_scores import score, score_answers, score_results


def examples(*targets: Target) -> list[Example]:
    return [Example(Row({}, f"data.jsonl:{n}"), target, f"id{n}") for n, target in enumerate(targets, 1)]


def labels(**scores: float) -> dict[str, object]:
    return {"labels": [{"label": label, "score": score} for label, score in scores.items()]}


def answer(text: str, score: float, no_answer: float) -> dict[str, object]:
    return {"answers": [{"answer": text, "score": score, "start": 0, "end": 1}], "no_answer_score": no_answer}


@pytest.mark.parametrize("task", ["text-classification", "zero-shot-classification"])
def test_single_labels(task: str) -> None:
    results = [labels(good=0.9, bad=0.1), labels(bad=0.2, good=0.8), labels(bad=0.7, good=0.3)]
    for problem in ("single-label", None):
        scores = score(task, problem, results, examples("good", "bad", "bad"))
        assert list(scores) == [
            *("accuracy", "f1_macro", "f1_micro", "precision_macro", "recall_macro", "matthews_corrcoef")
        ]
        assert (scores["accuracy"], scores["f1_macro"], scores["matthews_corrcoef"]) == pytest.approx(
            (2 / 3, 2 / 3, 0.5)
        )


def test_several_labels() -> None:
    results = [labels(a=0.9, b=0.5, c=0.1), labels(a=0.4, b=0.3, c=0.2)]
    found = score_results(
        "text-classification", None, [Prediction(one, "") for one in results], examples(("a", "b"), ())
    )
    assert found.metrics["accuracy"] == found.metrics["f1_micro"] == 1
    assert found.metrics["f1_macro"] == pytest.approx(2 / 3)  # c, which the model has, is never right
    assert found.counts["c"].gold == 0


def test_numbers() -> None:
    results = [{"value": 1.0}, {"value": 2.5}, {"value": 4}]
    for task, problem in (
        ("text-classification", "regression"),
        ("text-classification", None),
        ("sentence-embedding", None),
    ):
        scores = score(task, problem, results, examples(1.0, 2.0, 3))  # type: ignore[arg-type]
        assert scores == pytest.approx({"pearsonr": 1, "spearmanr": 1, "mean_squared_error": 1.25 / 3})


def test_entities() -> None:
    gold = Tagged(((0, 3), (4, 12), (13, 16), (17, 21)), ("B-PER", "E-PER", "O", "S-LOC"))
    other = Tagged(((0, 2),), ("I-LOC",))
    results = [
        {"entities": [{"label": "PER", "start": 0, "end": 12}, {"label": "ORG", "start": 17, "end": 21}]},
        {"entities": [{"label": "LOC", "start": 0, "end": 2, "score": 0.5}]},
    ]
    found = score_results("token-classification", None, [Prediction(one, "") for one in results], examples(gold, other))
    wanted = {"entity_precision": 2 / 3, "entity_recall": 2 / 3, "entity_f1": 2 / 3, "accuracy": 4 / 5}
    assert found.metrics == pytest.approx(wanted)
    assert list(found.counts) == ["LOC", "ORG", "PER"]


def test_a_model_that_finds_only_types_that_the_data_lacks_scores_0() -> None:
    gold = examples(Tagged(((0, 4), (5, 9)), ("B-PER", "O")))
    results = [{"entities": [{"label": "ORG", "start": 0, "end": 4}]}]
    for found, right in ((results, gold), (results, examples(Tagged(((0, 4),), ("O",)))), ([{"entities": []}], gold)):
        scores = score("token-classification", None, found, right)
        assert [scores[name] for name in ("entity_precision", "entity_recall", "entity_f1")] == [0, 0, 0]
    answered = [Prediction({"entities": []}, "r1")]
    for names in (("O", "B-ORG", "B-PER"), (), None):
        score_results("token-classification", None, answered, gold, names)
    with pytest.raises(InputError, match="no predicted label is one of the data's: 'Person' beside 'PER'"):
        score_results("token-classification", None, answered, gold, ("O", "B-Person"))


@pytest.mark.parametrize(
    ("task", "problem", "result", "targets"),
    [
        ("text-classification", "single-label", labels(a=0.9, b=0.1), ("a", "a")),
        ("text-classification", "single-label", labels(a=0.9, b=0.1), ("b", "b")),
        ("text-classification", "multi-label", labels(a=0.1, b=0.1), ((), ())),
        ("text-classification", "multi-label", labels(a=0.9, b=0.9), ((), ())),
        ("text-classification", "regression", {"value": 2.5}, (1.0, 2.0)),
        ("text-classification", "regression", {"value": 2.5}, (1.0, 1.0)),
        ("token-classification", None, {"entities": []}, (Tagged(((0, 3),), ("O",)), Tagged((), ()))),
        ("question-answering", None, answer("x", 0.0, 0.0), (References((), ()), References(("",), (0,)))),
        ("text-ranking", None, {"ranking": [{"index": 0, "score": 0.0}]}, ((0.0,), (0.0, 0.0))),
        ("multiple-choice", None, {"choices": [{"index": 0, "score": 0.5}]}, (1, 1)),
    ],
)
@pytest.mark.parametrize("count", [1, 2])
def test_data_with_nothing_to_tell_apart_has_finite_scores(
    task: str, problem: Problem | None, result: dict[str, object], targets: tuple[Target, ...], count: int
) -> None:
    right = examples(*targets[:count])
    scores = score_results(task, problem, [Prediction(result, "")] * count, right)
    assert scores.metrics
    assert all(map(math.isfinite, scores.metrics.values()))
    assert scores.at is not None
    for one in intervals_of(scores.at, count, resamples=20).values():
        assert all(map(math.isfinite, (one.value, one.deviation, one.low, one.high)))


def test_numbers_that_are_none() -> None:
    with pytest.raises(InputError, match="row 1: the field 'value' is nan, not a finite number"):
        score_results("text-classification", "regression", [Prediction({"value": math.nan}, "row 1")], examples(1.0))


def test_answers_of_v1() -> None:
    results = [answer("the cat", 0.2, 0.8), {"answers": [], "no_answer_score": 1.0}]
    right = examples(References(("cat",), (0,)), References(("dog",), (0,)))
    assert score("question-answering", None, results, right) == {"exact_match": 50, "f1": 50}


@pytest.mark.parametrize("right", [References((), ()), References(("",), (0,)), References((" ",), (3,))])
def test_where_no_question_has_an_answer_the_rules_are_those_of_v2(right: References) -> None:
    gold = examples(right, right)
    assert score_answers({"id1": "", "id2": "cat"}, gold).metrics["exact_match"] == 50
    results = [answer("cat", 0.2, 0.8), answer("cat", 0.8, 0.2)]
    found = score("question-answering", None, results, gold)
    assert (found["exact_match"], found["f1"]) == (50, 50)


def test_answers_of_v2_say_that_there_is_none_where_that_is_likelier() -> None:
    right = examples(References(("cat",), (0,)), References((), ()), References((), ()), References(("dog",), (0,)))
    results = [answer("cat", 0.5, 0.4), answer("x", 0.1, 0.9), answer("y", 0.6, 0.2), answer("dog", 0.4, 0.45)]
    scores = score("question-answering", None, results, right)
    assert (scores["exact_match"], scores["HasAns_exact"], scores["NoAns_exact"]) == (50, 50, 50)
    assert (scores["best_exact"], scores["best_exact_thresh"]) == pytest.approx((75, 0.45 / 0.85))


def test_answers_by_id() -> None:
    right = examples(References(("cat",), (0,)), References((), ()))
    assert score_answers({"id1": "cat", "id2": ""}, right).metrics["exact_match"] == 100
    assert score_answers({"id1": "cat", "more": "x"}, right[:1]).metrics == {"exact_match": 100, "f1": 100}
    with pytest.raises(InputError, match=r"no prediction has the id of a question \(the first question is 'id1'"):
        score_answers({"x": "cat"}, right)
    with pytest.raises(InputError, match="1 of 2 questions have no prediction, the first is 'id2'"):
        score_answers({"id1": "cat"}, right)
    with pytest.raises(InputError, match="1 of 2 questions have no no-answer score, the first is 'id1'"):
        score_answers({"id1": "cat", "id2": ""}, right, {"id2": 1.0})
    with pytest.raises(InputError, match=r"the id 'id1' is also that of data\.jsonl:1"):
        score_answers({"id1": "cat"}, [*right[:1], *right[:1]])


def test_similarities_of_another_unit_are_made_cosines() -> None:
    """But not where what was answered is in that unit, too."""
    cosines = [{"value": value} for value in (0.1, 0.5, 1.0)]
    for gold, expected in (((0.0, 2.5, 5.0), 0.1**2), ((-1.0, 0.0, 1.0), 1.1**2 + 0.5**2)):
        found = score("sentence-embedding", None, cosines, examples(*gold))
        assert found["mean_squared_error"] == pytest.approx(expected / 3)
    whole = [{"value": value} for value in (0.0, 2.5, 4.0)]
    assert score("sentence-embedding", None, whole, examples(0.0, 2.5, 5.0))["mean_squared_error"] == pytest.approx(
        1 / 3
    )


def test_rankings() -> None:
    right = examples((0.0, 1.0, 0.0), (2.0, 0.0))
    results = [
        {"ranking": [{"index": 1, "score": 0.9}, {"index": 0, "score": 0.5}, {"index": 2, "score": 0.1}]},
        {"ranking": [{"index": 1, "score": 0.9}]},  # the other one was not ranked: it is last
    ]
    scores = score("text-ranking", None, results, right)
    assert scores == pytest.approx({"ndcg_at_10": (1 + 0.6309298) / 2, "mrr": 0.75, "recall_at_10": 1.0})


def test_choices() -> None:
    results = [{"choices": [{"index": 1, "score": 0.2}, {"index": 0, "score": 0.8}]}] * 2
    assert score("multiple-choice", None, results, examples(0, 1)) == {"accuracy": 0.5}


RANKED = {"ranking": [{"index": 3, "score": 0.9}]}


@pytest.mark.parametrize(
    ("task", "target", "record", "said"),
    [
        ("text-classification", "a", {"label": []}, "result 1: no field 'labels' (did you mean 'label'?)"),
        ("text-classification", "a", {"labels": "a"}, "result 1: the field 'labels' is not what the task answers"),
        ("text-classification", "a", {"labels": ["a"]}, "result 1: the field 'labels' is not what the task answers"),
        ("text-classification", "a", {"labels": []}, "result 1: no labels"),
        ("text-classification", "a", {"labels": [{"label": "a"}]}, "result 1: no field 'score'"),
        ("text-classification", "a", {"error": {"type": "TextTooLong"}}, "result 1: the row was not answered"),
        ("text-classification", 1.5, {"value": True}, "result 1: the field 'value' is not a number"),
        (
            "text-classification",
            "a",
            labels(LABEL_0=0.1),
            "no predicted label is one of the data's: 'LABEL_0' beside 'a'",
        ),
        ("text-ranking", (1.0, 0.0), RANKED, "result 1: ranking has the index 3, but the example has 2 of them"),
        ("text-ranking", (1.0, 0.0), {"ranking": []}, "result 1: the field 'ranking' is empty"),
        ("text-ranking", None, RANKED, "data.jsonl:1: the target is NoneType, not what the task learns"),
        ("fill-mask", None, {}, "task 'fill-mask' has no scores"),
    ],
)
def test_what_cannot_be_scored(task: str, target: Target, record: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        score(task, None, [record], examples(target))
    assert caught.value.what.startswith(said)


def test_as_many_answers_as_examples() -> None:
    with pytest.raises(InputError, match="1 predictions for 2 examples"):
        score("text-classification", None, [{}], examples("a", "b"))
    with pytest.raises(InputError, match="no examples to score"):
        score("text-classification", None, [], [])


def test_scores_need_no_torch() -> None:
    source = Path(__file__).parents[2] / "src/bertkit/metrics"
    names = [path.stem for path in source.glob("*.py")]
    check = f"import sys\nfor name in {names}: __import__('bertkit.metrics.' + name)\nprint('torch' in sys.modules)"
    assert run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout == "False\n"
