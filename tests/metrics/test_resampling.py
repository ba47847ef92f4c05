"""The metrics of a resample are those of its examples, scored anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bertkit.families.labels import Problem
from bertkit.formats.rows import Row
from bertkit.labelled.examples import Example, Tagged, Target
from bertkit.metrics.answer_scores import scores_v1, scores_v2
from bertkit.metrics.classification_scores import classification_scores, multi_label_scores, regression_scores
from bertkit.metrics.intervals import Metrics, intervals_of
from bertkit.metrics.resampling import (
    resampled_answers_v1,
    resampled_answers_v2,
    resampled_label_sets,
    resampled_labels,
    resampled_means,
    resampled_numbers,
)
from bertkit.metrics.results import Prediction
from bertkit.metrics.task_scores import score_results

SIZE = 30
Made = tuple[str, Problem | None, list[dict[str, object]], list[Target]]


def labels(random: np.random.Generator) -> Made:
    names = ("a", "b", "c")
    results: list[dict[str, object]] = [
        {"labels": [{"label": name, "score": float(random.random())} for name in names]} for _ in range(SIZE)
    ]
    return "text-classification", "single-label", results, [str(random.choice([*names, "d"])) for _ in range(SIZE)]


def label_sets(random: np.random.Generator) -> Made:
    task, _, results, targets = labels(random)
    return task, "multi-label", results, [(str(target), "a") if target != "a" else () for target in targets]


def numbers(random: np.random.Generator) -> Made:
    values = random.integers(0, 5, size=(SIZE, 2)).astype(float).tolist()
    return "sentence-embedding", None, [{"value": one} for one, _ in values], [other for _, other in values]


def entities(random: np.random.Generator) -> Made:
    words = ((0, 2), (3, 5), (6, 8), (9, 11))
    results: list[dict[str, object]] = []
    targets: list[Target] = []
    for _ in range(SIZE):
        found = [{"label": str(random.choice(["PER", "LOC"])), "start": 3 * n, "end": 3 * n + 2} for n in range(4)]
        results.append({"entities": [one for one in found if random.random() < 0.6]})
        targets.append(Tagged(words, tuple(map(str, random.choice(["O", "B-PER", "I-PER", "B-ORG"], 4)))))
    return "token-classification", None, results, targets


def rankings(random: np.random.Generator) -> Made:
    results: list[dict[str, object]] = [
        {"ranking": [{"index": n, "score": float(random.integers(3))} for n in range(5)]} for _ in range(SIZE)
    ]
    return "text-ranking", None, results, [tuple(random.integers(0, 3, 5).astype(float).tolist()) for _ in range(SIZE)]


def choices(random: np.random.Generator) -> Made:
    results: list[dict[str, object]] = [
        {"choices": [{"index": n, "score": float(random.random())} for n in range(3)]} for _ in range(SIZE)
    ]
    return "multiple-choice", None, results, [int(random.integers(3)) for _ in range(SIZE)]


@pytest.mark.parametrize("make", [labels, label_sets, numbers, entities, rankings, choices])
def test_a_resample_is_scored_as_its_examples_would_be(make: Callable[[np.random.Generator], Made]) -> None:
    random = np.random.default_rng(5)
    task, problem, records, targets = make(random)
    examples = [Example(Row({}, f"data:{n}"), target, str(n)) for n, target in enumerate(targets)]
    results = [Prediction(record, "") for record in records]
    scores = score_results(task, problem, results, examples)
    assert scores.at(np.arange(SIZE)) == pytest.approx(scores.metrics)
    for _ in range(20):
        places = random.integers(SIZE, size=SIZE)
        anew = score_results(task, problem, [results[n] for n in places], [examples[n] for n in places])
        if problem == "multi-label":  # macro averages count a label that only the whole has
            anew.metrics.update({name: scores.at(places)[name] for name in anew.metrics if "macro" in name})
        assert scores.at(places) == pytest.approx(anew.metrics)


WORDS = ["the cat", "dog", "", "a dog", "bird"]


def test_answers() -> None:
    random = np.random.default_rng(3)
    predicted = {str(n): str(random.choice(WORDS)) for n in range(SIZE)}
    no_answer = {str(n): float(random.random()) for n in range(SIZE)}
    right = {str(n): [str(random.choice(["cat", "dog x"]))] if random.random() < 0.6 else [] for n in range(SIZE)}
    asked = {id: texts or ["x"] for id, texts in right.items()}
    some = {id: answer for id, answer in predicted.items() if int(id) % 5}
    v1 = resampled_answers_v1(some, asked)
    v2 = resampled_answers_v2(predicted, right, no_answer, 0.5)
    plain = resampled_answers_v2(predicted, right, None, 0.5)
    for _ in range(20):
        places = random.choice(SIZE, size=SIZE - 8, replace=False)  # ids come once where scripts count
        ids = [str(n) for n in places]
        assert v1(places) == pytest.approx(scores_v1(some, {id: asked[id] for id in ids}))
        chosen = {id: right[id] for id in ids}
        assert plain(places) == pytest.approx(scores_v2(predicted, chosen))
        whole = scores_v2(predicted, chosen, no_answer, 0.5)
        wanted = {name: value for name, value in whole.items() if not name.endswith("_thresh")}
        assert v2(places) == pytest.approx(wanted)


def test_a_metric_that_few_examples_have_is_taken_where_there_is_one() -> None:
    at = resampled_means({"rare": np.array([1.0, *[np.nan] * 9]), "all": np.arange(10.0)})
    found = intervals_of(at, 10)
    assert (found["rare"].value, found["rare"].low, found["rare"].high) == (1, 1, 1)
    assert found["all"].low < found["all"].value == 4.5 < found["all"].high


def resamples(examples: int, count: int = 50) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.integers(examples, size=examples) for _ in range(count)]


RANDOM = np.random.default_rng(0)
NOISE = RANDOM.normal(size=(2, 60))
PAIRS_OF_NUMBERS = {
    "noise": NOISE,
    "ties": RANDOM.integers(5, size=(2, 60)).astype(float),
    "ties of one": np.stack([RANDOM.integers(3, size=60).astype(float), NOISE[0]]),
    "far from 0": np.stack([1e9 + NOISE[0], 5 + 1e-3 * NOISE[1]]),
    "one far from all": np.concatenate([[[1e12], [-1e12]], NOISE], axis=1),
    "very large and very small": np.stack([1e300 * NOISE[0], 1e-300 * NOISE[1]]),
    "constant": np.stack([np.ones(60), NOISE[0]]),
    "two": np.array([[0.0, 1.0], [1.0, 0.0]]),
    "one": np.array([[3.0], [4.0]]),
}


@pytest.mark.parametrize("name", PAIRS_OF_NUMBERS)
@pytest.mark.filterwarnings("ignore:overflow")
def test_numbers_of_a_resample_are_scored_as_they_are(name: str) -> None:
    gold_N, predicted_N = PAIRS_OF_NUMBERS[name]
    at: Metrics = resampled_numbers(gold_N.tolist(), predicted_N.tolist())
    for places in resamples(len(gold_N)):
        plain = regression_scores(gold_N[places].tolist(), predicted_N[places].tolist())
        assert at(places) == pytest.approx(plain, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("kinds", [1, 2, 200])
def test_labels_of_a_resample_are_scored_as_they_are(kinds: int) -> None:
    gold, predicted = RANDOM.integers(kinds, size=(2, 300)).astype(str)
    at: Metrics = resampled_labels(gold.tolist(), predicted.tolist())
    for places in resamples(len(gold), 10):
        assert at(places) == classification_scores(gold[places].tolist(), predicted[places].tolist())


@pytest.mark.parametrize("most", [0, 3])
def test_label_sets_of_a_resample_are_scored_as_they_are(most: int) -> None:
    names = [f"label {number}" for number in range(9)]
    gold, predicted = (
        [tuple(RANDOM.choice(names, size=RANDOM.integers(most + 1))) for _ in range(80)] for _ in range(2)
    )
    at: Metrics = resampled_label_sets(gold, predicted, ["never"])
    known = {"never", *(label for some in (*gold, *predicted) for label in some)}
    for places in resamples(len(gold), 10):
        some = ([column[place] for place in places] for column in (gold, predicted))
        assert at(places) == multi_label_scores(*some, known)
