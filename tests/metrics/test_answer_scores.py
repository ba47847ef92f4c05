from __future__ import annotations

import json
from pathlib import Path

import pytest

from bertkit.labelled.squad import read_squad
from bertkit.metrics.answer_scores import (
    best_threshold,
    exact_match,
    normalise,
    overlap_f1,
    overlap_f1_or_none,
    scores_v1,
    scores_v2,
    unanswered,
)


def published(folder: Path, name: str) -> dict[str, str]:
    return dict(json.loads((folder / "squad/published_predictions" / f"{name}.json").read_text()))


def references(path: Path) -> dict[str, tuple[str, ...]]:
    return {one.id: one.target.texts for one in read_squad(str(path))}  # type: ignore[union-attr]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "exact", "f1"), [("v1.1-bert-ensemble", 86.21, 92.20), ("v1.1-rnet-plus-ensemble", 82.47, 88.48)]
)
def test_published_scores_of_v1(test_data: Path, name: str, exact: float, f1: float) -> None:
    right = references(test_data / "squad/dev-v1.1.json")
    scores = scores_v1(published(test_data, name), right)
    assert {key: round(value, 2) for key, value in scores.items()} == {"exact_match": exact, "f1": f1}


@pytest.mark.data
def test_published_scores_of_v2(test_data: Path) -> None:
    right = references(test_data / "squad/dev-v2.0.json")
    scores = scores_v2(published(test_data, "v2.0-bert-single"), right)
    assert {key: round(value, 4) for key, value in scores.items()} == {
        "exact_match": 78.7417,
        "f1": 81.7753,
        "HasAns_exact": 74.1059,
        "HasAns_f1": 80.1818,
        "NoAns_exact": 83.3642,
        "NoAns_f1": 83.3642,
    }


def test_normalised() -> None:
    assert normalise(" The  Eiffel-Tower, a\ttower (an iron one)! ") == "eiffeltower tower iron one"
    assert normalise("the another theory's") == "another theorys"
    assert normalise("“the” £5") == "“ ” £5"  # only ASCII punctuation goes
    assert normalise("a!the") == "athe"  # punctuation goes first


def test_one_answer() -> None:
    assert exact_match("The cat.", "cat") == 1
    assert overlap_f1("the black cat sat", "a cat sat sat") == pytest.approx(2 * 2 / (3 + 3))
    assert overlap_f1("the", "") == 0
    assert overlap_f1_or_none("the", "") == 1
    assert overlap_f1_or_none("cat", "") == 0


def test_v1_takes_the_nearest_answer_and_counts_missing_ones_0() -> None:
    right = {"1": ["black cat", "cat"], "2": ["dog"], "3": ["an old man"]}
    predicted = {"1": "the cat", "3": "old", "other": "x"}
    assert scores_v1(predicted, right) == pytest.approx({"exact_match": 100 / 3, "f1": (100 + 200 / 3) / 3})
    assert unanswered(predicted, right) == ["2"]


RIGHT = {"a": ["cat"], "b": [], "c": ["dog", "the"], "d": []}
PREDICTED = {"a": "cat", "b": "fish", "c": "big dog", "d": ""}


def test_v2_with_a_threshold() -> None:
    unsure = {"a": 0.6, "b": 0.9, "c": 0.2, "d": 0.1}
    scores = scores_v2(PREDICTED, RIGHT, unsure, threshold=0.5)
    assert scores == pytest.approx(
        {
            "exact_match": 50.0,  # b and d; a is refused, c is not exact
            "f1": 100 * (2 + 2 / 3) / 4,
            "HasAns_exact": 0.0,
            "HasAns_f1": 100 / 3,
            "NoAns_exact": 100.0,
            "NoAns_f1": 100.0,
            "best_exact": 75.0,  # from 2 (nothing answered) to 3 when a is answered
            "best_exact_thresh": 0.6,
            "best_f1": 100 * (3 + 2 / 3) / 4,
            "best_f1_thresh": 0.6,
        }
    )
    assert scores_v2(PREDICTED, RIGHT)["exact_match"] == 50.0  # a and d


def test_the_best_threshold_may_be_to_answer_nothing() -> None:
    assert best_threshold({"b": 0.0}, PREDICTED, (), {"b": 0.5, "unknown": 0.1}) == (100.0, 0.0)


def test_v2_of_one_kind_has_no_part_of_the_other() -> None:
    assert scores_v2({"b": ""}, {"b": []}).keys() == {"exact_match", "f1", "NoAns_exact", "NoAns_f1"}
    assert scores_v2({"a": "cat"}, {"a": ["cat"]}).keys() == {"exact_match", "f1", "HasAns_exact", "HasAns_f1"}
