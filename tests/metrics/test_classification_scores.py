from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.stats
from sklearn import metrics
from sklearn.preprocessing import MultiLabelBinarizer

from bertkit.metrics.classification_scores import (
    classification_scores,
    confusion_matrix,
    counts_of,
    multi_label_counts,
    multi_label_scores,
    regression_scores,
)
from bertkit.metrics.label_counts import Counts

LABELS = ("anger", "joy", "fear", "none", "surprise")


@pytest.mark.parametrize("seed", range(50))
def test_single_labels_as_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    size, classes = int(random.integers(1, 60)), int(random.integers(1, 6))  # some labels are missing on one side
    gold = random.choice(LABELS[:classes], size).tolist()
    predicted = random.choice(LABELS[: int(random.integers(1, 6))], size).tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "a single label was found"
        wanted = {
            "accuracy": metrics.accuracy_score(gold, predicted),
            "f1_macro": metrics.f1_score(gold, predicted, average="macro", zero_division=0),
            "f1_micro": metrics.f1_score(gold, predicted, average="micro", zero_division=0),
            "precision_macro": metrics.precision_score(gold, predicted, average="macro", zero_division=0),
            "recall_macro": metrics.recall_score(gold, predicted, average="macro", zero_division=0),
            "matthews_corrcoef": metrics.matthews_corrcoef(gold, predicted),
        }
        confusion = confusion_matrix(gold, predicted)
        assert (confusion.counts_CC == metrics.confusion_matrix(gold, predicted)).all()
        each = metrics.precision_recall_fscore_support(gold, predicted, zero_division=0)
    assert classification_scores(gold, predicted) == pytest.approx(wanted)
    counts = counts_of(confusion)
    assert list(counts) == sorted({*gold, *predicted})
    found = [(one.precision, one.recall, one.f1, one.gold) for one in counts.values()]
    assert np.allclose(np.array(found).T, each)


@pytest.mark.parametrize("seed", range(50))
def test_sets_of_labels_as_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)

    def some() -> list[list[str]]:
        return [[label for label in LABELS[:4] if random.random() < 0.3] for _ in range(20)]

    gold, predicted = some(), some()
    binarizer = MultiLabelBinarizer(classes=sorted(LABELS))
    gold_NC, predicted_NC = binarizer.fit_transform(gold), binarizer.transform(predicted)
    wanted = {
        f"{name}_{average}": score(gold_NC, predicted_NC, average=average, zero_division=0)
        for name, score in (
            ("f1", metrics.f1_score),
            ("precision", metrics.precision_score),
            ("recall", metrics.recall_score),
        )
        for average in ("macro", "micro")
    }
    wanted["accuracy"] = metrics.accuracy_score(gold_NC, predicted_NC)
    assert multi_label_scores(gold, predicted, LABELS) == pytest.approx(wanted)
    assert multi_label_counts(gold, predicted, LABELS)["surprise"] == Counts(0, 0, 0)


def test_no_label_at_all() -> None:
    scores = multi_label_scores([(), ()], [[], []])
    assert scores.pop("accuracy") == 1.0
    assert set(scores.values()) == {0.0}


@pytest.mark.parametrize("seed", range(20))
def test_numbers_as_scipy(seed: int) -> None:
    random = np.random.default_rng(seed)
    gold = random.integers(0, 6, 30).astype(float)  # with ties
    predicted = (gold + random.normal(size=30) * 1e6).round(-6)
    assert regression_scores(gold.tolist(), predicted.tolist()) == pytest.approx(
        {
            "pearsonr": scipy.stats.pearsonr(gold, predicted).statistic,
            "spearmanr": scipy.stats.spearmanr(gold, predicted).statistic,
            "mean_squared_error": metrics.mean_squared_error(gold, predicted),
        }
    )


def test_a_constant_has_no_correlation() -> None:
    assert regression_scores([1.0, 2.0, 4.0], [0.1] * 3) == pytest.approx(
        {"pearsonr": 0.0, "spearmanr": 0.0, "mean_squared_error": (0.81 + 3.61 + 15.21) / 3}
    )
    assert regression_scores([3.0], [3.0])["pearsonr"] == 0.0
