"""Metrics of resamples of the examples (bootstrap), for intervals and comparisons, without scoring each from anew.

Each function counts once what every example adds to the metrics. It returns a function that takes the indices of a
resample and gives the metrics that scoring these examples would give.
Shapes: `N` examples, `C` labels or types of entities.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from bertkit.metrics.answer_scores import (
    Answers,
    References,
    by_no_answer,
    question_scores_v1,
    question_scores_v2,
    refusing,
)
from bertkit.metrics.classification_scores import label_scores, label_set_scores, regression_scores
from bertkit.metrics.entity_scores import EntityCounts, count_entities
from bertkit.metrics.intervals import Metrics, Numbers, Places
from bertkit.metrics.label_counts import Counts

SEEN = 1e-4  # of sums of squares, what numbers vary: below, too many digits are lost
LEAST = 1e-200  # of sums of squares of numbers up to 1: below, digits are lost


def resampled_labels(gold: Sequence[str], predicted: Sequence[str]) -> Metrics:
    """Of `classification_scores`."""
    place = {label: number for number, label in enumerate(sorted({*gold, *predicted}))}
    size = len(place)
    all_N = np.array([place[right] * size + place[found] for right, found in zip(gold, predicted, strict=True)])
    pairs_U, pair_N = np.unique(all_N, return_inverse=True)  # few of all pairs of labels
    right_U, found_U = np.divmod(pairs_U, size)
    same_U = right_U == found_U

    def at(places: Places) -> dict[str, float]:
        often_U = np.bincount(pair_N[places], minlength=len(pairs_U))
        of_each = ((right_U[same_U], often_U[same_U]), (found_U, often_U), (right_U, often_U))
        counts_C3 = np.stack([np.bincount(label, often, size) for label, often in of_each], axis=1).astype(np.int64)
        return label_scores(counts_C3[counts_C3.any(axis=1)])

    return at


def resampled_label_sets(
    gold: Sequence[Collection[str]], predicted: Sequence[Collection[str]], labels: Collection[str]
) -> Metrics:
    """Of `multi_label_scores`; labels that some example has count in every resample."""
    from scipy.sparse import csr_array

    names = sorted({*labels, *(label for some in (*gold, *predicted) for label in some)})
    place = {label: 3 * number for number, label in enumerate(names)}
    adds: list[tuple[int, int]] = []  # which count of which label an example adds one to, and its own number
    for number, (right, found) in enumerate(zip(gold, predicted, strict=True)):
        for column, some in enumerate(({*right} & {*found}, {*found}, {*right})):
            adds += [(place[label] + column, number) for label in some]
    rows, examples = np.array(adds, dtype=np.int64).reshape(-1, 2).T
    ones = np.ones(len(adds), dtype=np.int64)
    # Of each example few labels are counted, so that only these are kept.
    counts_KN = csr_array((ones, (rows, examples)), shape=(3 * len(names), len(gold)))
    same_N = np.array([set(right) == set(found) for right, found in zip(gold, predicted, strict=True)])

    def at(places: Places) -> dict[str, float]:
        often_N = np.bincount(places, minlength=len(gold))
        return label_set_scores((counts_KN @ often_N).reshape(-1, 3), float(same_N[places].mean()))

    return at


def resampled_numbers(gold: Sequence[float], predicted: Sequence[float]) -> Metrics:
    """Of `regression_scores`.

    Sums of powers are taken of all numbers once, and ranks are sums of how often each number was drawn: neither scores
    nor sorts a resample.
    """
    gold_N, predicted_N = np.asarray(gold, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    order_N = np.argsort(gold_N, kind="stable")  # so that of one of the two the ranks are read in order
    right, found = (_Ordered(values_N[order_N]) for values_N in (gold_N, predicted_N))
    with np.errstate(over="ignore"):
        squares_N = (gold_N - predicted_N)[order_N] ** 2
    one_N, other_N = right.near_1_N, found.near_1_N
    powers_6N = np.stack([one_N, other_N, one_N**2, other_N**2, one_N * other_N, squares_N])
    place_N = np.argsort(order_N)
    is_plain = bool(np.isfinite(powers_6N).all())

    def at(places: Places) -> dict[str, float]:
        often_N = np.bincount(place_N[places], minlength=len(order_N)).astype(np.float64)
        counts = right.counts(often_N), found.counts(often_N)
        varies = all(np.count_nonzero(count_U) > 1 for count_U in counts)
        *sums, squares = (powers_6N @ often_N).tolist() if is_plain else (*[math.nan] * 6,)
        linear = _correlation(sums, len(places)) if varies else 0.0
        if not is_plain or math.isnan(linear):  # some numbers are so much larger that sums say nothing of the others
            return regression_scores(gold_N[places].tolist(), predicted_N[places].tolist())
        return {
            "pearsonr": linear,
            "spearmanr": _rank_correlation(right.ranks(counts[0]), found.ranks(counts[1]), often_N) if varies else 0.0,
            "mean_squared_error": squares / len(places),
        }

    return at


class _Ordered:
    """Numbers put in order once, so that the ranks of a resample are sums of how often each was drawn.

    Attributes:
        near_1_N: the numbers less their mean, the largest near 1, so that their squares are numbers too.
    """

    def __init__(self, values_N: Numbers) -> None:
        _, exponent = np.frexp(np.abs(values_N).max())
        scaled_N = np.ldexp(values_N, -exponent)
        self.near_1_N = scaled_N - scaled_N.mean()
        unique_U, self._place_N = np.unique(values_N, return_inverse=True)
        self._size = len(unique_U)
        self._in_order = bool((self._place_N == np.arange(len(values_N))).all())

    def counts(self, often_N: Numbers) -> Numbers:
        """How often each different number was drawn, in their order."""
        if self._in_order:
            return often_N
        return np.asarray(np.bincount(self._place_N, often_N, self._size), dtype=np.float64)

    def ranks(self, count_U: Numbers) -> Numbers:
        """The rank of each number among those that were drawn, less their mean, equal ones sharing the mean of theirs.

        What was not drawn has some number, too.
        """
        rank_U = np.cumsum(count_U)
        rank_U -= count_U / 2
        rank_U -= rank_U[-1] / 2 + count_U[-1] / 4
        return rank_U if self._in_order else np.asarray(rank_U[self._place_N])


def _correlation(sums: Sequence[float], drawn: int) -> float:
    """The linear correlation of two numbers; NaN where they vary so little beside their size that it cannot be seen.

    Args:
        sums: of each of the two, of each one's squares, and of their products.
        drawn: how many there are.
    """
    one, other, ones, others, both = sums
    spreads = ones - one * one / drawn, others - other * other / drawn
    if spreads[0] < SEEN * ones or spreads[1] < SEEN * others or min(ones, others) < LEAST:
        return math.nan
    together = both - one * other / drawn
    return min(1.0, max(-1.0, together / math.sqrt(spreads[0]) / math.sqrt(spreads[1])))


def _rank_correlation(one_N: Numbers, other_N: Numbers, often_N: Numbers) -> float:
    """The same of ranks, whose means are 0."""
    drawn_N = often_N * one_N
    spreads = float(drawn_N @ one_N), float((often_N * other_N) @ other_N)
    return min(1.0, max(-1.0, float(drawn_N @ other_N) / math.sqrt(spreads[0]) / math.sqrt(spreads[1])))


def resampled_entities(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> Metrics:
    """Of `EntityCounts.scores`."""
    each = [count_entities([right], [found]) for right, found in zip(gold, predicted, strict=True)]
    totals = [(one.total, one.tokens, one.correct_tokens) for one in each]
    counts_N5 = np.array([(all.correct, all.predicted, all.gold, *tokens) for all, *tokens in totals], dtype=np.int64)

    def at(places: Places) -> dict[str, float]:
        correct, predicted, gold, *tokens = (np.bincount(places, minlength=len(each)) @ counts_N5).tolist()
        return EntityCounts({"": Counts(correct, predicted, gold)}, *tokens).scores()

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
