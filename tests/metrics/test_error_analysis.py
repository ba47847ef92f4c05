from __future__ import annotations

import math

import pytest

from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, References, Tagged, Target
from bertkit.metrics.error_analysis import AnalysedExample, analyse_answers, analyse_records, what_errors_are, worst
from bertkit.metrics.results import Prediction
from bertkit.metrics.task_scores import score_results


def asked(target: Target, **fields: object) -> Example:
    return Example(Row(fields, "data:1"), target, "id")


def analyse(task: str, record: dict[str, object], example: Example) -> AnalysedExample:
    (one,) = analyse_records(task, None, [Prediction(record, "p:1")], [example])
    return one


def labels(**scores: float) -> dict[str, object]:
    return {"labels": [{"label": label, "score": score} for label, score in scores.items()]}


def test_a_label() -> None:
    one = analyse("text-classification", {**labels(a=0.9, b=0.1), "input_tokens": 7}, asked("b", text="two words"))
    assert (one.right, one.said, one.error) == ("b", "a (0.900)", 1.0)
    assert one.loss == pytest.approx(-math.log(0.1))
    assert (one.words, one.tokens, one.asked) == (2, 7, {"text": "two words"})
    assert analyse("text-classification", labels(a=0.9, b=0.1), asked("a", text="x")).error == 0
    assert analyse("text-classification", labels(a=1.0), asked("z", text="x")).loss == pytest.approx(27.6, abs=0.1)


def test_several_labels() -> None:
    one = analyse("text-classification", labels(a=0.9, b=0.2, c=0.1), asked(("b",), text="x"))
    assert (one.right, one.said, one.error) == ("b", "a (0.900)", 1.0)
    assert one.loss == pytest.approx(-math.log(0.2) - math.log(0.1) - math.log(0.9))
    nothing = analyse("text-classification", labels(a=0.1), asked((), text="x"))
    assert (nothing.right, nothing.said, nothing.error) == ("none", "none", 0)


def test_numbers() -> None:
    assert analyse("text-classification", {"value": 2.5}, asked(4.0, text="x")).error == 1.5
    results = [Prediction({"value": value}, "") for value in (0.9, 0.1, 0.5)]
    pairs = [asked(target, text="x", text_pair="y") for target in (5.0, 1.0, 0.0)]
    errors = [one.error for one in analyse_records("sentence-embedding", None, results, pairs)]
    assert errors == pytest.approx([0, 1 / 3, 1 / 3])


def test_entities() -> None:
    target = Tagged(((0, 3), (4, 12), (13, 17)), ("B-PER", "I-PER", "B-LOC"))
    example = asked(target, text="Ada Lovelace Rome")
    record = {"entities": [{"label": "PER", "start": 0, "end": 12}, {"label": "ORG", "start": 13, "end": 17}]}
    found = analyse("token-classification", record, example)
    assert found.right == "Ada Lovelace (PER), Rome (LOC)"
    assert found.said == "Ada Lovelace (PER), Rome (ORG)"
    assert (found.error, found.loss) == (1, 2)


def answer(text: str, score: float, none: float) -> dict[str, object]:
    return {"answers": [{"answer": text, "score": score, "start": 0, "end": 1}], "no_answer_score": none}


def test_answers_agree_with_the_score() -> None:
    records = [answer("cat", 0.3, 0.6), answer("the dog", 0.5, 0.1), answer("x", 0.8, 0.2)]
    right = [References(("cat",), (0,)), References(("dog bird", "eel"), (0, 1)), References((), ())]
    for kept in (slice(3), slice(2)):  # with a question that has no answer, as v2.0 of SQuAD; without, as v1.1
        examples = [
            Example(Row({"question": "q", "context": "c"}, ""), one, str(n)) for n, one in enumerate(right[kept])
        ]
        results = [Prediction(one, "") for one in records[kept]]
        analysed = analyse_records("question-answering", None, results, examples)
        mean = sum(100 * (1 - one.error) for one in analysed) / len(analysed)
        assert mean == pytest.approx(score_results("question-answering", None, results, examples).metrics["f1"])
    assert analyse_answers({}, examples)[0].said == "no answer"
    assert analyse_answers({"1": "dog bird"}, examples)[1].error == 0


def test_rankings_and_choices() -> None:
    ranking = {"ranking": [{"index": 1, "score": 0.9}, {"index": 0, "score": 0.2}]}
    found = analyse("text-ranking", ranking, asked((1.0, 0.0), query="q", documents=["x", "y"]))
    assert (found.right, found.said) == ("document 0 first", "document 1 first")
    assert found.error == pytest.approx(1 - 1 / math.log2(3))
    choices = {"choices": [{"index": 1, "score": 0.9}, {"index": 0, "score": 0.1}]}
    one = analyse("multiple-choice", choices, asked(0, text="t", choices=["x", "y"]))
    assert (one.right, one.said, one.error) == ("choice 0", "choice 1 (0.900)", 1)
    assert one.asked == {"text": "t", "choices": "x | y"}


def test_the_worst_are_the_surest_and_wrong() -> None:
    scores = (0.6, 0.99, 0.3, 0.8)
    analysed = [analyse("text-classification", labels(a=score, b=1 - score), asked("b", text="x")) for score in scores]
    assert [one.said for one in worst(analysed, 2)] == ["a (0.990)", "a (0.800)"]
    assert len(worst(analysed, 9)) == 3
    assert what_errors_are("text-classification", "multi-label") != what_errors_are("token-classification", None)
