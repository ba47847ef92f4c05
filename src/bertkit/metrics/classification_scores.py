"""Scores of predicted labels, sets of labels, and numbers. Names and definitions are scikit-learn's and SciPy's.

Where scikit-learn would warn and take 0 (a label never predicted, a label never right) the value is 0.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bertkit.metrics.label_counts import Counts

Numbers = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Confusion:
    """Which label was taken for which.

    Attributes:
        labels: all that are right or predicted somewhere, sorted.
        counts_CC: examples whose right label is the row's and whose predicted one is the column's.
    """

    labels: tuple[str, ...]
    counts_CC: npt.NDArray[np.int64]


def confusion_matrix(gold: Sequence[str], predicted: Sequence[str]) -> Confusion:
    """Counts every pair of a right and a predicted label."""
    labels = tuple(sorted({*gold, *predicted}))
    place = {label: number for number, label in enumerate(labels)}
    counts_CC = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for right, found in zip(gold, predicted, strict=True):
        counts_CC[place[right], place[found]] += 1
    return Confusion(labels, counts_CC)


def counts_of(confusion: Confusion) -> dict[str, Counts]:
    """The counts of each label."""
    correct_C, gold_C, predicted_C = _margins(confusion)
    return {
        label: Counts(int(correct), int(predicted), int(right))
        for label, correct, predicted, right in zip(confusion.labels, correct_C, predicted_C, gold_C, strict=True)
    }


def classification_scores(gold: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """Scores where one label an example is right, at least one example.

    Macro averages weigh every label alike that is right or predicted somewhere. Micro averages of single labels are
    all the accuracy, so that only `f1_micro` stands for them.
    """
    return confusion_scores(confusion_matrix(gold, predicted))


def confusion_scores(confusion: Confusion) -> dict[str, float]:
    """The same from what was counted, where each of its labels is right or predicted somewhere."""
    correct_C, gold_C, predicted_C = _margins(confusion)
    return label_scores(np.stack([correct_C, predicted_C, gold_C], axis=1))


def label_scores(counts_C3: Whole) -> dict[str, float]:
    """The same from how often each label was right, predicted and should have been, (C, 3): `Counts` in a row."""
    correct_C, _, gold_C = counts_C3.T
    return {
        "accuracy": float(correct_C.sum() / gold_C.sum()),
        **averages(counts_C3),
        "matthews_corrcoef": _correlated(counts_C3),
    }


def averages(counts_C3: Whole) -> dict[str, float]:
    """`f1_macro`, `f1_micro`, `precision_macro`, `recall_macro` of labels; 0 where there are none.

    Args:
        counts_C3: how often each was right, predicted and should have been.
    """
    correct_C, predicted_C, gold_C = counts_C3.T
    whole = Counts(*map(int, counts_C3.sum(axis=0)))
    macro = {
        "f1_macro": _shares(2 * correct_C, predicted_C + gold_C),
        "precision_macro": _shares(correct_C, predicted_C),
        "recall_macro": _shares(correct_C, gold_C),
    }
    means = {name: float(shares_C.mean()) if len(shares_C) else 0.0 for name, shares_C in macro.items()}
    return {"f1_macro": means.pop("f1_macro"), "f1_micro": whole.f1, **means}


def _shares(parts_C: Whole, wholes_C: Whole) -> Numbers:
    """Each part of its whole; 0 where the whole is."""
    return np.divide(parts_C, wholes_C, out=np.zeros(len(parts_C)), where=wholes_C > 0)


def matthews_corrcoef(confusion: Confusion) -> float:
    """The correlation of right and predicted labels, of any number (Gorodkin 2004); 0 where either is constant."""
    correct_C, gold_C, predicted_C = _margins(confusion)
    return _correlated(np.stack([correct_C, predicted_C, gold_C], axis=1))


def _correlated(counts_C3: Whole) -> float:
    correct_C, predicted_C, gold_C = counts_C3.astype(np.float64).T
    examples = gold_C.sum()
    together = correct_C.sum() * examples - gold_C @ predicted_C
    spread = (examples**2 - gold_C @ gold_C) * (examples**2 - predicted_C @ predicted_C)
    return float(together / np.sqrt(spread)) if spread > 0 else 0.0


def multi_label_counts(
    gold: Sequence[Collection[str]], predicted: Sequence[Collection[str]], labels: Collection[str] = ()
) -> dict[str, Counts]:
    """The counts of each label where any number of labels may be right.

    Args:
        labels: those that count though no example has them, beside all that one has.
    """
    names = sorted({*labels, *(label for some in (*gold, *predicted) for label in some)})
    counts = dict.fromkeys(names, Counts())
    for right, found in zip(gold, predicted, strict=True):
        for label in {*right, *found}:
            counts[label] += Counts(int(label in right and label in found), int(label in found), int(label in right))
    return counts


def multi_label_scores(
    gold: Sequence[Collection[str]], predicted: Sequence[Collection[str]], labels: Collection[str] = ()
) -> dict[str, float]:
    """Scores where any number of labels may be right; `accuracy` is that of whole sets (subset accuracy).

    Args:
        labels: those that macro averages count though no example has them, beside all that one has.
    """
    same = [set(right) == set(found) for right, found in zip(gold, predicted, strict=True)]
    counts = multi_label_counts(gold, predicted, labels).values()
    counts_C3 = np.array([(one.correct, one.predicted, one.gold) for one in counts], dtype=np.int64).reshape(-1, 3)
    return label_set_scores(counts_C3, float(np.mean(same)))


def label_set_scores(counts_C3: Whole, same: float) -> dict[str, float]:
    """The same from what was counted.

    Args:
        counts_C3: how often each label was right, predicted and should have been.
        same: share of the examples whose set is the right one.
    """
    whole = Counts(*map(int, counts_C3.sum(axis=0)))
    averaged = averages(counts_C3)
    return {"accuracy": same, **averaged, "precision_micro": whole.precision, "recall_micro": whole.recall}


def regression_scores(gold: Sequence[float], predicted: Sequence[float]) -> dict[str, float]:
    """`pearsonr`, `spearmanr` and `mean_squared_error` of numbers, at least one."""
    gold_N, predicted_N = np.asarray(gold, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    return {
        "pearsonr": pearsonr(gold_N, predicted_N),
        "spearmanr": spearmanr(gold_N, predicted_N),
        "mean_squared_error": float(np.mean((gold_N - predicted_N) ** 2)),
    }


def pearsonr(one_N: Numbers, other_N: Numbers) -> float:
    """Linear correlation; 0, where SciPy has NaN, when either does not vary: it then says nothing of the other."""
    one_N, other_N = _scaled(one_N), _scaled(other_N)
    return float(np.clip(one_N @ other_N, -1.0, 1.0))


def spearmanr(one_N: Numbers, other_N: Numbers) -> float:
    """Correlation of ranks, equal values sharing the mean of theirs; 0 when either does not vary."""
    return pearsonr(ranks(one_N), ranks(other_N))


def _scaled(values_N: Numbers) -> Numbers:
    """With mean 0 and length 1; zeros where all values are alike."""
    if (values_N == values_N[0]).all():
        return np.zeros_like(values_N)  # their mean may be off by a rounding, which would be scaled up
    _, exponent = np.frexp(np.abs(values_N).max())
    values_N = np.ldexp(values_N, -exponent)  # exact; squares of very large or very small numbers would not be
    centred_N = values_N - values_N.mean()
    return np.asarray(centred_N / np.linalg.norm(centred_N))


def ranks(values_N: Numbers) -> Numbers:
    """The rank of each value, from 1; equal ones share the mean of theirs."""
    _, place_N, count_U = np.unique(values_N, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count_U) - (count_U - 1) / 2)[place_N])


def _margins(confusion: Confusion) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    counts_CC = confusion.counts_CC
    return np.diag(counts_CC), counts_CC.sum(axis=1), counts_CC.sum(axis=0)
