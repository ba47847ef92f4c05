from __future__ import annotations

import pytest

from bertkit.evaluation.baselines import MAJORITY, TAGS, TFIDF, baselines_of
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, Tagged, Target


def examples(*pairs: tuple[str, Target]) -> list[Example]:
    return [
        Example(Row({"text": text}, f"x:{number}"), target, str(number)) for number, (text, target) in enumerate(pairs)
    ]


LEARNT = examples(*[("a red apple", "fruit"), ("the red car", "machine"), ("a green apple", "fruit")] * 8)
ASKED = examples(("an apple", "fruit"), ("my car", "machine"), ("the car", "machine"))


def scores(found: list[object], metric: str) -> dict[str, float]:
    return {one.name: one.measures[metric] for one in found}  # type: ignore[attr-defined]


def test_labels() -> None:
    found = baselines_of("text-classification", "single-label", LEARNT, ASKED)
    assert scores(found, "accuracy") == {MAJORITY: pytest.approx(1 / 3), TFIDF: pytest.approx(1.0)}


def test_pairs_are_two_texts() -> None:
    """Which of two texts a word is in is all that tells the labels apart."""

    def pairs(count: int) -> list[Example]:
        rows = [({"text": "cat", "text_pair": "dog"}, "one"), ({"text": "dog", "text_pair": "cat"}, "other")] * count
        return [Example(Row(fields, f"x:{number}"), label, str(number)) for number, (fields, label) in enumerate(rows)]

    found = baselines_of("text-classification", "single-label", pairs(10), pairs(2))
    assert scores(found, "accuracy")[TFIDF] == 1.0


def test_several_labels() -> None:
    learnt = examples(*[("red apple", ("red", "fruit")), ("green apple", ("fruit",)), ("blue", ())] * 8)
    found = baselines_of("text-classification", "multi-label", learnt, learnt[:3])
    assert scores(found, "f1_micro")[TFIDF] == pytest.approx(1.0)
    assert scores(found, "f1_micro")[MAJORITY] == pytest.approx(2 / 3), "it says fruit, of all"


def test_numbers() -> None:
    learnt = examples(*[("good", 4.0), ("bad", 1.0), ("good bad", 2.5), ("", 2.0)] * 5)
    found = baselines_of("text-classification", "regression", learnt, learnt[:4])
    assert scores(found, "mean_squared_error")[TFIDF] < 0.05 < scores(found, "mean_squared_error")[MAJORITY]


def test_words() -> None:
    def sentence(*tags: str) -> Example:
        text = "Ada sang in Paris"
        return Example(Row({"text": text}, "x:1"), Tagged(((0, 3), (4, 8), (9, 11), (12, 17)), tags), "0")

    learnt = [sentence("B-PER", "O", "O", "B-LOC")] * 2 + [sentence("B-PER", "O", "O", "B-PER")]
    found = baselines_of("token-classification", None, learnt, [sentence("B-PER", "O", "O", "B-LOC")])
    assert scores(found, "entity_f1") == {TAGS: 1.0}


def test_other_tasks_have_none() -> None:
    assert baselines_of("question-answering", None, [], []) == []
