"""Metrics of resamples of the examples (bootstrap), for intervals and comparisons, without scoring each from anew.

Each function counts once what every example adds to the metrics. It returns a function that takes the indices of a
resample and gives the metrics that scoring these examples would give.
Shapes: `N` examples, `C` labels or types of entities.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bertkit.metrics.answer_scores import (
    Answers,
    References,
    by_no_answer,
    question_scores_v1,
    question_scores_v2,
    refusing,
)
from bertkit.metrics.classification_scores import (
    Confusion,
    confusion_scores,
    label_set_scores,
    multi_label_counts,
    regression_scores,
)
from bertkit.metrics.entity_scores import EntityCounts, count_entities
from bertkit.metrics.intervals import Metrics, Numbers, Places
from bertkit.metrics.label_counts import Counts

Whole = npt.NDArray[np.int64]


def resampled_labels(gold: Sequence[str], predicted: Sequence[str]) -> Metrics:
    """Of `classification_scores`."""
    labels = tuple(sorted({*gold, *predicted}))
    place = {label: number for number, label in enumerate(labels)}
    size = len(labels)
    pair_N = np.array([place[right] * size + place[found] for right, found in zip(gold, predicted, strict=True)])

    def at(places: Places) -> dict[str, float]:
        counts_CC = np.bincount(pair_N[places], minlength=size * size).reshape(size, size)
        there_C = counts_CC.sum(axis=0) + counts_CC.sum(axis=1) > 0
        kept = tuple(label for label, there in zip(labels, there_C, strict=True) if there)
        return confusion_scores(Confusion(kept, counts_CC[np.ix_(there_C, there_C)]))

    return at


def resampled_label_sets(
    gold: Sequence[Collection[str]], predicted: Sequence[Collection[str]], labels: Collection[str]
) -> Metrics:
    """Of `multi_label_scores`; labels that some example has count in every resample."""
    names = list(multi_label_counts(gold, predicted, labels))
    each = [multi_label_counts([right], [found]) for right, found in zip(gold, predicted, strict=True)]
    same_N = np.array([set(right) == set(found) for right, found in zip(gold, predicted, strict=True)])
    counts_NC3 = _stacked(each, names)

    def at(places: Places) -> dict[str, float]:
        return label_set_scores(_summed(counts_NC3, names, places), float(same_N[places].mean()))

    return at


def resampled_numbers(gold: Sequence[float], predicted: Sequence[float]) -> Metrics:
    """Of `regression_scores`."""
    gold_N, predicted_N = np.asarray(gold, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    return lambda places: regression_scores(gold_N[places].tolist(), predicted_N[places].tolist())


def resampled_entities(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> Metrics:
    """Of `EntityCounts.scores`."""
    each = [count_entities([right], [found]) for right, found in zip(gold, predicted, strict=True)]
    names = sorted({name for one in each for name in one.types})
    counts_NC3 = _stacked([one.types for one in each], names)
    tokens_N2 = np.array([(one.tokens, one.correct_tokens) for one in each])

    def at(places: Places) -> dict[str, float]:
        tokens, correct = tokens_N2[places].sum(axis=0).tolist()
        return EntityCounts(_summed(counts_NC3, names, places), tokens, correct).scores()

    return at


def resampled_answers_v1(predicted: Answers, references: References) -> Metrics:
    """Of `scores_v1`; the places are those of the questions in `references`."""
    exact, f1 = question_scores_v1(predicted, references)
    return resampled_means({"exact_match": 100 * _in_order(exact), "f1": 100 * _in_order(f1)})


def resampled_answers_v2(
    predicted: Answers, references: References, no_answer: Mapping[str, float] | None, threshold: float
) -> Metrics:
    """Of `scores_v2`, but the best thresholds: they are no scores."""
    raw = dict(zip(("exact", "f1"), question_scores_v2(predicted, references), strict=True))
    used = raw
    if no_answer is not None:
        used = {name: refusing(scores, references, no_answer, threshold) for name, scores in raw.items()}
    answerable_N = np.array([bool(texts) for texts in references.values()])
    columns = {"exact_match": 100 * _in_order(used["exact"]), "f1": 100 * _in_order(used["f1"])}
    for kind, there_N in (("HasAns", answerable_N), ("NoAns", ~answerable_N)):
        if there_N.any():
            columns |= {f"{kind}_{name}": np.where(there_N, 100 * _in_order(used[name]), np.nan) for name in used}
    means = resampled_means(columns)
    if no_answer is None:
        return means
    place = {id: number for number, id in enumerate(references)}
    order_N = np.array([place[id] for id in by_no_answer(no_answer, references)])
    says_N = np.array([-float(bool(predicted[id])) for id in references])
    gains = {name: np.where(answerable_N, _in_order(scores), says_N)[order_N] for name, scores in raw.items()}

    def at(places: Places) -> dict[str, float]:
        often_N = np.bincount(places, minlength=len(order_N))
        unanswered = float(often_N[~answerable_N].sum())  # right where nothing is answered
        best = {
            f"best_{name}": 100 * (unanswered + max(0.0, float(np.cumsum(often_N[order_N] * gain_N).max())))
            for name, gain_N in gains.items()
        }
        return {**means(places), **{name: reached / len(places) for name, reached in best.items()}}

    return at


def resampled_means(columns: Mapping[str, Numbers]) -> Metrics:
    """Of metrics that are the mean of what each example has, (N,); NaN where it does not count."""

    def at(places: Places) -> dict[str, float]:
        return {name: _mean(values_N[places]) for name, values_N in columns.items()}

    return at


def _mean(values_N: Numbers) -> float:
    counting_N = values_N[~np.isnan(values_N)]
    return float(counting_N.mean()) if len(counting_N) else float("nan")


def _in_order(scores: Mapping[str, float]) -> Numbers:
    return np.array(list(scores.values()), dtype=np.float64)


def _stacked(each: Sequence[Mapping[str, Counts]], names: Sequence[str]) -> Whole:
    """The counts of each example, (N, C, 3)."""
    counts = (one.get(name, Counts()) for one in each for name in names)
    rows = [(one.correct, one.predicted, one.gold) for one in counts]
    return np.array(rows, dtype=np.int64).reshape(len(each), len(names), 3)


def _summed(counts_NC3: Whole, names: Sequence[str], places: Places) -> dict[str, Counts]:
    often_N = np.bincount(places, minlength=len(counts_NC3))
    sums_C3 = np.tensordot(often_N, counts_NC3, axes=1)
    return {name: Counts(*map(int, sums_3)) for name, sums_3 in zip(names, sums_C3, strict=True)}
