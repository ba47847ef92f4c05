from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from bertkit.errors import UserError
from bertkit.metrics.calibration import (
    Abstention,
    abstain_threshold,
    coverage_curve,
    expected_calibration_error,
    fit_temperature,
)


def negative_log_likelihood(logits_NC: np.ndarray, gold_N: np.ndarray, temperature: float = 1.0) -> float:
    logs_NC = log_softmax(logits_NC / temperature, axis=1)
    return float(-logs_NC[np.arange(len(gold_N)), gold_N].mean())


def test_calibration_error_bin_by_bin() -> None:
    random = np.random.default_rng(0)
    confidence = np.append(random.random(500), [0.0, 1.0, 1 / 15, 2 / 15])
    correct = random.random(504) < confidence**2
    wanted = 0.0
    edges = np.linspace(0, 1, 16)
    for low, high in pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        if low == 0:
            inside |= confidence == 0
        wanted += abs(correct[inside].mean() - confidence[inside].mean()) * inside.mean()
    assert expected_calibration_error(confidence.tolist(), correct.tolist()) == pytest.approx(wanted)


def test_calibration_error_of_known_cases() -> None:
    assert expected_calibration_error([1.0, 1.0], [True, True]) == 0
    assert expected_calibration_error([0.9] * 10, [True] * 5 + [False] * 5) == pytest.approx(0.4)


@pytest.mark.parametrize("seed", range(5))
def test_temperature_is_where_the_likelihood_is_best(seed: int) -> None:
    random = np.random.default_rng(seed)
    logits = random.normal(size=(300, 4)) * 2
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    gold = np.array([random.choice(4, p=one) for one in chances])
    overconfident = logits * 3
    best = minimize_scalar(
        lambda log: negative_log_likelihood(overconfident, gold, float(np.exp(log))), bounds=(-3, 3), method="bounded",
        options={"xatol": 1e-9},
    )  # fmt: skip
    found = fit_temperature(overconfident, gold)
    assert found == pytest.approx(np.exp(best.x), rel=1e-4)
    assert found == pytest.approx(3, rel=0.3)
    assert negative_log_likelihood(overconfident, gold, found) < negative_log_likelihood(overconfident, gold)


def test_temperature_where_there_is_no_best() -> None:
    logits = np.array([[4.0, 1.0], [0.0, 2.0]])
    assert fit_temperature(logits, np.array([0, 1])) == pytest.approx(0.01)
    assert fit_temperature(logits, np.array([1, 0])) == pytest.approx(100)


def test_abstaining() -> None:
    confidences, correct = [0.9, 0.5, 0.8, 0.8, 0.4], [True, True, True, False, False]
    assert coverage_curve(confidences, correct) == [
        Abstention(0.9, 0.2, 1.0),
        Abstention(0.8, 0.6, 2 / 3),
        Abstention(0.5, 0.8, 3 / 4),
        Abstention(0.4, 1.0, 3 / 5),
    ]
    assert abstain_threshold(confidences, correct, 0.7) == Abstention(0.5, 0.8, 3 / 4)
    assert abstain_threshold(confidences, correct, 0.9).threshold == 0.9
    with pytest.raises(UserError, match=r"no threshold reaches an accuracy of 0\.9; the best is 0\.0000"):
        abstain_threshold([0.3], [False], 0.9)
