"""What a temperature does for a classifier, and from which score it should answer, from labelled examples.

The temperature that is kept is fitted on all of them. What it is worth is measured with two: each half of the examples
is judged with the one that fits the other half, so that no example is judged by what was fitted on it.
Shapes: `N` examples, `R` decisions (one an example, or one for each of its labels), `C` columns of logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bertkit.errors import InputError
from bertkit.families.labels import Problem
from bertkit.labelled.examples import Example
from bertkit.metrics.calibration import (
    BINS,
    COLDEST,
    HOTTEST,
    Numbers,
    abstain_threshold,
    bin_of,
    coverage_curve,
    expected_calibration_error,
    fit_temperature,
)
from bertkit.metrics.results import Prediction, label_scores
from bertkit.metrics.task_scores import target_of

Flags = npt.NDArray[np.bool_]
LEAST_EXAMPLES = 20
SMALLEST = 1e-45  # of a float32 that is not 0, as records have scores
NEAREST_TO_ONE = 1e-9


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a classifier decided.

    Attributes:
        logits_RC: up to a constant of each row, which a softmax does not see. Of a label that may be right or not: two
            columns, no and yes.
        gold_R: the column that is right.
        example_R: the number of the example that it is about.
        each_label: whether every label of an example is a decision.
    """

    logits_RC: Numbers
    gold_R: npt.NDArray[np.int64]
    example_R: npt.NDArray[np.int64]
    each_label: bool

    def confidence(self, temperature_R: Numbers | float) -> tuple[Numbers, Flags]:
        """How likely each decision is said to be right, and whether it is: of single labels the best one's
        probability; of label sets every label's, right or not."""
        scaled_RC = self.logits_RC / np.broadcast_to(temperature_R, self.gold_R.shape)[:, None]
        powers_RC = np.exp(scaled_RC - scaled_RC.max(axis=1, keepdims=True))
        chosen_R = np.ones_like(self.gold_R) if self.each_label else self.logits_RC.argmax(axis=1)
        confidence_R = powers_RC[np.arange(len(chosen_R)), chosen_R] / powers_RC.sum(axis=1)
        return confidence_R, chosen_R == self.gold_R

    def temperature(self, kept_R: Flags | slice = slice(None)) -> float:
        """The temperature that makes the right columns of some decisions likeliest."""
        return fit_temperature(self.logits_RC[kept_R], self.gold_R[kept_R])

    @property
    def second_half_R(self) -> Flags:
        """Whether a decision is about an example of the second of two random halves."""
        examples = int(self.example_R.max()) + 1
        second_N: Flags = np.random.default_rng(0).permutation(examples) % 2 == 1
        return second_N[self.example_R]


def decisions_of(problem: Problem, results: Sequence[Prediction], examples: Sequence[Example]) -> Decisions:
    """The decisions behind records of labels.

    Raises:
        InputError: a regression, records of different labels, or a right label that the classifier does not have.
    """
    if problem == "regression":
        raise InputError("a regression has no probabilities to calibrate", "Leave --calibrate out.")
    scored = [label_scores(result) for result in results]
    labels = sorted(scored[0])
    for one, result in zip(scored, results, strict=True):
        if sorted(one) != labels:
            raise InputError(f"{result.place}: has scores of other labels than {results[0].place}")
    place = {label: number for number, label in enumerate(labels)}
    scores_NC = np.array([[one[label] for label in labels] for one in scored])
    gold = [_gold(problem, example, place) for example in examples]
    if problem == "single-label":
        gold_N = np.array([some[0] for some in gold])
        return Decisions(np.log(np.maximum(scores_NC, SMALLEST)), gold_N, np.arange(len(gold)), False)
    shown_NC = np.clip(scores_NC, SMALLEST, 1 - NEAREST_TO_ONE)
    yes_R = (np.log(shown_NC) - np.log1p(-shown_NC)).ravel()
    gold_NC = np.zeros(scores_NC.shape, dtype=np.int64)
    for number, some in enumerate(gold):
        gold_NC[number, some] = 1
    example_R = np.repeat(np.arange(len(gold)), len(labels))
    return Decisions(np.stack([np.zeros_like(yes_R), yes_R], axis=1), gold_NC.ravel(), example_R, True)


def _gold(problem: Problem, example: Example, place: dict[str, int]) -> list[int]:
    right = [target_of(example, str)] if problem == "single-label" else map(str, target_of(example, tuple))
    found = []
    for label in right:
        if label not in place:
            raise InputError(
                f"{example.row.place}: the label {label!r} is not one of the classifier's",
                f"Its labels are {', '.join(place)}.",
            )
        found.append(place[label])
    return found


@dataclass(frozen=True, slots=True)
class Bin:
    """Decisions that are said to be about as likely right.

    Attributes:
        confidence: the mean of what is said.
        right: share that is.
    """

    confidence: float
    right: float
    decisions: int


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What a temperature does.

    Attributes:
        temperature: that fits all examples.
        error_before, error_after: the expected calibration error as the classifier answers, and with a temperature.
        before, after: the same in bins.
    """

    temperature: float
    examples: int
    error_before: float
    error_after: float
    before: tuple[Bin, ...]
    after: tuple[Bin, ...]


def calibrated(decisions: Decisions) -> Calibrated:
    """Fits the temperature, and measures what temperatures do for examples that they were not fitted on.

    Raises:
        InputError: too few examples, or no temperature is best.
    """
    examples = int(decisions.example_R.max()) + 1
    if examples < LEAST_EXAMPLES:
        raise InputError(
            f"{examples} examples say little of how sure a model may be", f"Give {LEAST_EXAMPLES} or more."
        )
    temperature = decisions.temperature()
    if not 1.01 * COLDEST < temperature < HOTTEST / 1.01:
        what = "right" if temperature < 1 else "as good as random"
        raise InputError(f"every decision is {what}, so that no temperature is best", "Give more, or harder, examples.")
    fitted_R = np.where(
        decisions.second_half_R,
        decisions.temperature(~decisions.second_half_R),
        decisions.temperature(decisions.second_half_R),
    )
    before, after = decisions.confidence(1.0), decisions.confidence(fitted_R)
    return Calibrated(
        temperature,
        examples,
        expected_calibration_error(*before),
        expected_calibration_error(*after),
        _bins(*before),
        _bins(*after),
    )


def _bins(confidence_R: Numbers, right_R: Flags) -> tuple[Bin, ...]:
    bin_R = bin_of(confidence_R, BINS)
    bins = []
    for number in range(BINS):
        inside_R = bin_R == number
        if inside_R.any():
            means = float(confidence_R[inside_R].mean()), float(right_R[inside_R].mean())
            bins.append(Bin(*means, int(inside_R.sum())))
    return tuple(bins)


@dataclass(frozen=True, slots=True)
class Abstaining:
    """What comes of answering only where the best label is likely enough.

    Attributes:
        threshold: the score from which it answers, chosen on all examples.
        coverage: share of the examples that would be answered, each half with what the other half chose.
        precision: share of those that is right; None where none is answered.
    """

    threshold: float
    coverage: float
    precision: float | None


def abstaining(decisions: Decisions, temperature: float, precision: float) -> Abstaining:
    """The lowest threshold from which at least a wanted share of the answers is right.

    Raises:
        UserError: no threshold reaches it.
    """
    threshold = abstain_threshold(*decisions.confidence(temperature), precision).threshold
    answered = right = 0
    for judged_R in (decisions.second_half_R, ~decisions.second_half_R):
        confidence_R, right_R = decisions.confidence(decisions.temperature(~judged_R))
        reached = [
            point.threshold
            for point in coverage_curve(confidence_R[~judged_R], right_R[~judged_R])
            if point.accuracy >= precision
        ]
        answered_R = judged_R & (confidence_R >= min(reached, default=np.inf))
        answered += int(answered_R.sum())
        right += int((answered_R & right_R).sum())
    return Abstaining(threshold, answered / len(decisions.gold_R), right / answered if answered else None)
