"""A student and its teacher beside each other on the same texts: what a cascade of them would answer, and at what loss.

Shapes: `R` sequences, `C` labels, `N` examples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bertkit.batching.packed import PackedBatch
from bertkit.inference.backend import Backend, Outputs
from bertkit.inference.cascade_backend import Numbers, Student
from bertkit.metrics.intervals import Metrics, Places
from bertkit.metrics.results import Prediction

MOST_BOUNDS = 25
FOLDS = 5
GROUPS = 20  # of examples, each left out in turn for a standard error


class SideBySide(Backend):
    """Computes both: the teacher's logits, the student's, and whether the student could read the sequence."""

    def __init__(self, teacher: Backend, student: Student) -> None:
        self.teacher = teacher
        self.student = student
        self.shape, self.dtype, self.device = teacher.shape, teacher.dtype, teacher.device

    def run(self, batch: PackedBatch) -> Outputs:
        """Three parts: (R, C), (R, C) and (R, 1)."""
        (teacher_RC,) = self.teacher.run(batch)
        student_RC = self.student.logits(batch)
        is_read_R = np.isfinite(student_RC.sum(axis=1))
        student_RC[~is_read_R] = 0.0
        return teacher_RC, student_RC, is_read_R[:, None].astype(np.float32)


@dataclass(frozen=True)
class CascadeAnswers:
    """What a cascade answers to each example, by how sure the student has to be.

    Attributes:
        odds: of each example the student's certainty of its windows, the surest first; -inf where it cannot read one.
        answers: of each example those with none of its windows by the student, with the surest one, and so on.
    """

    odds: Sequence[Numbers]
    answers: Sequence[Sequence[Prediction]]

    def at(self, bound_N: Numbers) -> list[Prediction]:
        """The answers where the student's stand from a certainty, which may be another for each example."""
        return [
            answers[int((odds >= bound).sum())]
            for odds, answers, bound in zip(self.odds, self.answers, bound_N, strict=True)
        ]

    def share(self, bound: float) -> float:
        """Of all windows those that the student answers."""
        return float((np.concatenate(self.odds) >= bound).mean())

    def bounds(self) -> list[float]:
        """Certainties between those that occur, the highest first: at most so many, at even shares of the windows."""
        known = np.unique(np.concatenate(self.odds))
        known = known[np.isfinite(known)][::-1]
        between = np.append((known[:-1] + known[1:]) / 2, known[-1:] - 1e-3)
        kept = np.unique(np.linspace(0, len(between) - 1, min(MOST_BOUNDS, len(between))).round().astype(int))
        return [float(between[place]) for place in kept]


@dataclass(frozen=True)
class LossCurve:
    """What the metric falls by at each bound on certainty.

    Attributes:
        bounds: the highest first.
        before, after: the metrics of the teacher, and of the cascade at each bound.
        points: of a fall of the metric by so much.
    """

    bounds: Sequence[float]
    before: Metrics
    after: Sequence[Metrics]
    metric: str
    points: Callable[[Numbers], Numbers]

    def lowest(self, places: Places, most: float) -> float | None:
        """The lowest bound with no more than so many points lost on some examples, one standard error included.

        Nor at any bound above it: what is lost there is lost here too, and a lower number is chance. None where there
        is no such bound.
        """
        mixed = np.random.default_rng(0).permutation(places)
        kept = [places, *(np.delete(mixed, np.s_[group::GROUPS]) for group in range(min(GROUPS, len(places))))]
        before_K = self._values(self.before, kept)
        found = None
        for bound, after in zip(self.bounds, self.after, strict=True):
            whole, *parts = self.points(before_K - self._values(after, kept))
            if whole + jackknife_error(np.array(parts)) > most:
                break
            found = bound
        return found

    def _values(self, metrics: Metrics, kept: Sequence[Places]) -> Numbers:
        return np.array([metrics(places)[self.metric] for places in kept])

    def crossed(self, examples: int, most: float) -> Numbers:
        """For each example the bound that the other four fifths choose, (N,); inf where they choose none."""
        fold_N = np.random.default_rng(0).permutation(examples) % FOLDS
        bound_N = np.full(examples, np.inf)
        for fold in range(FOLDS):
            found = self.lowest(np.flatnonzero(fold_N != fold), most)
            bound_N[fold_N == fold] = np.inf if found is None else found
        return bound_N


def jackknife_error(without_G: Numbers) -> float:
    """The standard error of a score, from what it is without each of so many groups of the examples (Tukey 1958)."""
    groups = len(without_G)
    return float(np.sqrt((groups - 1) / groups * np.square(without_G - without_G.mean()).sum()))
