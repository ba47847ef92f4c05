"""What tasks share whose head gives a few logits for each input: labels, documents, choices.

Shapes: `B` sequences, `C` numbers that the head gives, `N` things that are scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from bertkit.config.readout import Readout
from bertkit.errors import UserError
from bertkit.tasks.contract import Outcome, Result, Task

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Label:
    """A label and its probability."""

    label: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Labels(Result):
    """All labels, best first.

    Attributes:
        abstained: whether the best one is too unsure to count as an answer; None where the model always answers.
    """

    labels: list[Label]
    abstained: bool | None = None

    def answer(self) -> dict[str, object]:
        """`{"labels": [{"label", "score"}…]}`, and `"abstained"` of a model that does."""
        labels: dict[str, object] = {"labels": [asdict(label) for label in self.labels]}
        return labels if self.abstained is None else labels | {"abstained": self.abstained}


@dataclass(frozen=True, slots=True)
class ScoredIndex:
    """One of several texts of a row, by its place in the row from 0, and its score."""

    index: int
    score: float


def check_most(top_k: int | None) -> int | None:
    """How many labels are given.

    Raises:
        UserError: fewer than one.
    """
    if top_k is not None and top_k < 1:
        raise UserError(f"top_k is {top_k}", "Choose 1 or more.")
    return top_k


class ScoringTask(Task):
    """A task whose head gives logits for each input."""

    @property
    def readout(self) -> Readout:
        """The logits of a window, (1, C)."""
        return Readout("sequence", self.head_name, self.classes)


def window_logits(outcome: Outcome) -> Scores:
    """The logits of each window of an input, (windows, C)."""
    return np.concatenate([logits for (logits,) in outcome.outputs]).astype(np.float64)


def mean_logits(outcome: Outcome) -> Scores:
    """The logits of an input, (C,): the mean of its windows', each weighted by the part of the text that it owns."""
    return np.asarray(outcome.encoded.weights) @ window_logits(outcome)


def softmax(logits_N: Scores) -> Scores:
    """Probabilities along the last axis."""
    powers = np.exp(logits_N - logits_N.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]


def sigmoid(logits_N: Scores) -> Scores:
    """Each number's own probability; also right where `exp` alone would overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * logits_N))


def best_first(scores_N: Scores) -> list[ScoredIndex]:
    """The places of the scores, the highest first; of equal ones the earlier first."""
    return [ScoredIndex(int(index), float(scores_N[index])) for index in (-scores_N).argsort(kind="stable")]


def ranked_labels(labels: Sequence[str], scores_N: Scores) -> list[Label]:
    """The labels with their scores, the highest first."""
    return [Label(labels[scored.index], scored.score) for scored in best_first(scores_N)]
