"""Calibration: is a model right as often as its scores say; a temperature that makes it so; when it should abstain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from bertkit.errors import UserError

Numbers = npt.NDArray[np.float64]
BINS = 15
COLDEST, HOTTEST = 0.01, 100.0  # temperatures beyond say no more
HALVINGS = 60


def expected_calibration_error(confidences: ArrayLike, correct: ArrayLike, bins: int = BINS) -> float:
    """How far confidence is from accuracy, in [0, 1] (Guo et al. 2017, equation 3).

    The mean over bins of equal width of |accuracy - mean confidence|, each weighed by its examples. A confidence on
    the border of two bins belongs to the lower one.

    Args:
        confidences: the probability of the predicted label of each example, at least one.
        correct: whether it is right.
    """
    confidence_N, correct_N = np.asarray(confidences, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    gap_B = np.bincount(bin_of(confidence_N, bins), weights=correct_N - confidence_N, minlength=bins)
    return float(np.abs(gap_B).sum() / len(confidence_N))


def bin_of(confidence_N: Numbers, bins: int) -> npt.NDArray[np.int64]:
    """Which of the bins of equal width each confidence is in."""
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence_N, side="left")


def fit_temperature(logits_NC: Numbers, gold_N: npt.NDArray[np.int64]) -> float:
    """The temperature that makes held-out labels likeliest (Guo et al. 2017, section 4.2), in [0.01, 100].

    The likelihood is convex in 1 / temperature, so that halving finds where its slope is 0. It has no minimum where
    every label has the highest logit; the lowest temperature is given then.

    Args:
        logits_NC: of examples that the model was not trained on, at least one.
        gold_N: the column of each example's right label.
    """
    low, high = np.log(1 / HOTTEST), np.log(1 / COLDEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _slope(logits_NC, gold_N, float(np.exp(middle))) <= 0:  # 0 also where exp has run out of small numbers
            low = middle
        else:
            high = middle
    return float(np.exp(-(low + high) / 2))


def _slope(logits_NC: Numbers, gold_N: npt.NDArray[np.int64], inverse: float) -> float:
    """Of the mean cross entropy by the inverse temperature: expected logit less the right one's."""
    scaled_NC = logits_NC * inverse
    weight_NC = np.exp(scaled_NC - scaled_NC.max(axis=1, keepdims=True))
    expected_N = (weight_NC * logits_NC).sum(axis=1) / weight_NC.sum(axis=1)
    return float(np.mean(expected_N - logits_NC[np.arange(len(gold_N)), gold_N]))


@dataclass(frozen=True, slots=True)
class Abstention:
    """What comes of answering only where the model is sure enough.

    Attributes:
        threshold: the confidence from which it answers.
        coverage: share of the examples that are answered.
        accuracy: of those.
    """

    threshold: float
    coverage: float
    accuracy: float


def coverage_curve(confidences: ArrayLike, correct: ArrayLike) -> list[Abstention]:
    """Coverage against accuracy, a point for every confidence that occurs, the highest first.

    Args:
        confidences: of each example, at least one.
        correct: whether its answer is right.
    """
    order_N = np.argsort(-np.asarray(confidences, dtype=np.float64), kind="stable")
    sorted_N = np.asarray(confidences, dtype=np.float64)[order_N]
    right_N = np.cumsum(np.asarray(correct, dtype=np.int64)[order_N])
    # Equal confidences are answered together or not at all.
    last = np.flatnonzero(np.append(sorted_N[1:] != sorted_N[:-1], True))
    return [
        Abstention(float(sorted_N[place]), (place + 1) / len(sorted_N), float(right_N[place] / (place + 1)))
        for place in last.tolist()
    ]


def abstain_threshold(confidences: ArrayLike, correct: ArrayLike, accuracy: float) -> Abstention:
    """The threshold that answers most examples with at least the wanted accuracy.

    Raises:
        UserError: no threshold reaches it.
    """
    curve = coverage_curve(confidences, correct)
    reached = [point for point in curve if point.accuracy >= accuracy]
    if not reached:
        best = max(point.accuracy for point in curve)
        raise UserError(
            f"no threshold reaches an accuracy of {accuracy:g}; the best is {best:.4f}",
            "Ask for less, or improve the model.",
        )
    return reached[-1]
