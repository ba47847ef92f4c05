from __future__ import annotations

import math

import pytest

from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, References, Tagged, Target
from bertkit.metrics.confusions import confusion_of, entity_confusion
from bertkit.metrics.error_analysis import Judged, judge_answers, judge_results, what_errors_are, worst
from bertkit.metrics.lengths import by_length
from bertkit.metrics.results import Result
from bertkit.metrics.task_scores import score_results


def asked(target: Target, **fields: object) -> Example:
    return Example(Row(fields, "data:1"), target, "id")


def judge(task: str, record: dict[str, object], example: Example) -> Judged:
    (one,) = judge_results(task, None, [Result(record, "p:1")], [example])
    return one


def labels(**scores: float) -> dict[str, object]:
    return {"labels": [{"label": label, "score": score} for label, score in scores.items()]}


def test_a_label() -> None:
    one = judge("text-classification", {**labels(a=0.9, b=0.1), "input_tokens": 7}, asked("b", text="two words"))
    assert (one.verdict.right, one.verdict.said, one.verdict.error) == ("b", "a (0.900)", 1.0)
    assert one.verdict.loss == pytest.approx(-math.log(0.1))
    assert (one.words, one.tokens, one.asked) == (2, 7, {"text": "two words"})
    assert judge("text-classification", labels(a=0.9, b=0.1), asked("a", text="x")).verdict.error == 0
    assert judge("text-classification", labels(a=1.0), asked("z", text="x")).verdict.loss == pytest.approx(
        27.6, abs=0.1
    )


def test_several_labels() -> None:
    one = judge("text-classification", labels(a=0.9, b=0.2, c=0.1), asked(("b",), text="x"))
    assert (one.verdict.right, one.verdict.said, one.verdict.error) == ("b", "a (0.900)", 1.0)
    assert one.verdict.loss == pytest.approx(-math.log(0.2) - math.log(0.1) - math.log(0.9))
    nothing = judge("text-classification", labels(a=0.1), asked((), text="x")).verdict
    assert (nothing.right, nothing.said, nothing.error) == ("none", "none", 0)


def test_numbers() -> None:
    assert judge("text-classification", {"value": 2.5}, asked(4.0, text="x")).verdict.error == 1.5
    results = [Result({"value": value}, "") for value in (0.9, 0.1, 0.5)]
    pairs = [asked(target, text="x", text_pair="y") for target in (5.0, 1.0, 0.0)]
    errors = [one.verdict.error for one in judge_results("sentence-embedding", None, results, pairs)]
    assert errors == pytest.approx([0, 1 / 3, 1 / 3])


def test_entities() -> None:
    target = Tagged(((0, 3), (4, 12), (13, 17)), ("B-PER", "I-PER", "B-LOC"))
    example = asked(target, text="Ada Lovelace Rome")
    record = {"entities": [{"label": "PER", "start": 0, "end": 12}, {"label": "ORG", "start": 13, "end": 17}]}
    verdict = judge("token-classification", record, example).verdict
    assert verdict.right == "Ada Lovelace (PER), Rome (LOC)"
    assert verdict.said == "Ada Lovelace (PER), Rome (ORG)"
    assert (verdict.error, verdict.loss) == (1, 2)


def answer(text: str, score: float, none: float) -> dict[str, object]:
    return {"answers": [{"answer": text, "score": score, "start": 0, "end": 1}], "no_answer_score": none}


def test_answers_agree_with_the_score() -> None:
    records = [answer("cat", 0.3, 0.6), answer("the dog", 0.5, 0.1), answer("x", 0.8, 0.2)]
    right = [References(("cat",), (0,)), References(("dog bird", "eel"), (0, 1)), References((), ())]
    for kept in (slice(3), slice(2)):  # with a question that has no answer, as v2.0 of SQuAD; without, as v1.1
        examples = [
            Example(Row({"question": "q", "context": "c"}, ""), one, str(n)) for n, one in enumerate(right[kept])
        ]
        results = [Result(one, "") for one in records[kept]]
        judged = judge_results("question-answering", None, results, examples)
        mean = sum(100 * (1 - one.verdict.error) for one in judged) / len(judged)
        assert mean == pytest.approx(score_results("question-answering", None, results, examples).metrics["f1"])
    assert judge_answers({}, examples)[0].verdict.said == "no answer"
    assert judge_answers({"1": "dog bird"}, examples)[1].verdict.error == 0


def test_rankings_and_choices() -> None:
    ranking = {"ranking": [{"index": 1, "score": 0.9}, {"index": 0, "score": 0.2}]}
    verdict = judge("text-ranking", ranking, asked((1.0, 0.0), query="q", documents=["x", "y"])).verdict
    assert (verdict.right, verdict.said) == ("document 0 first", "document 1 first")
    assert verdict.error == pytest.approx(1 - 1 / math.log2(3))
    choices = {"choices": [{"index": 1, "score": 0.9}, {"index": 0, "score": 0.1}]}
    one = judge("multiple-choice", choices, asked(0, text="t", choices=["x", "y"]))
    assert (one.verdict.right, one.verdict.said, one.verdict.error) == ("choice 0", "choice 1 (0.900)", 1)
    assert one.asked == {"text": "t", "choices": "x | y"}


def test_the_worst_are_the_surest_and_wrong() -> None:
    scores = (0.6, 0.99, 0.3, 0.8)
    judged = [judge("text-classification", labels(a=score, b=1 - score), asked("b", text="x")) for score in scores]
    assert [one.verdict.said for one in worst(judged, 2)] == ["a (0.990)", "a (0.800)"]
    assert len(worst(judged, 9)) == 3
    assert what_errors_are("text-classification", "multi-label") != what_errors_are("token-classification", None)


def test_lengths() -> None:
    def one(tokens: int, wrong: bool) -> Judged:
        record = {**labels(a=0.9, b=0.1), "input_tokens": tokens}
        return judge("text-classification", record, asked("b" if wrong else "a", text="x y z"))

    judged = [one(tokens, tokens > 6) for tokens in (9, 3, 3, 3, 3, 5, 7, 8)]
    found = by_length(judged, parts=4)
    assert found.unit == "tokens"
    assert [(part.shortest, part.longest, part.examples, part.error) for part in found.parts] == [
        (3, 3, 4, 0),
        (5, 7, 2, 0.5),
        (8, 9, 2, 1),
    ]
    unknown = [*judged, judge("text-classification", labels(a=1.0, b=0.0), asked("b", text="x y"))]
    assert (by_length(unknown).unit, by_length(unknown).parts[0].shortest) == ("words", 2)


def test_confusions_of_entities_are_by_the_words_that_they_cover() -> None:
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "O"]]
    predicted = [["B-PER", "I-PER", "O", "B-ORG"], ["B-LOC", "B-PER"]]
    found = entity_confusion(gold, predicted)
    assert found.labels == ("(none)", "LOC", "ORG", "PER")
    assert found.counts_CC.tolist() == [[0, 0, 0, 1], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    example = asked(Tagged(((0, 1),), ("B-PER",)), text="A")
    result = Result({"entities": [{"label": "LOC", "start": 0, "end": 1}]}, "")
    whole = confusion_of("token-classification", None, [result], [example])
    assert whole is not None
    assert whole.counts_CC.tolist() == [[0, 0], [1, 0]]


def test_what_has_no_confusions() -> None:
    assert confusion_of("text-classification", None, [Result({"value": 1.0}, "")], [asked(1.0)]) is None
    assert confusion_of("multiple-choice", None, [Result({}, "")], [asked(1)]) is None
