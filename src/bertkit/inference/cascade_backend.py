"""The back end of a cascade: a student computes every sequence, and where it is not sure a teacher does. Torch-free.

Whose numbers a sequence has is a matter of the sequence alone: where the student's certainty is so near the bound that
what else is in the batch might decide by a rounding, it is computed once more, by itself.
Shapes: `R` sequences, `C` labels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bertkit.batching.packed import PackedBatch
from bertkit.config.cascade import CascadeSettings
from bertkit.families.labels import Problem
from bertkit.inference.backend import Backend, Outputs
from bertkit.inference.rereading import Rereading
from bertkit.tasks.contract import Array

Numbers = npt.NDArray[np.float64]
# How far a certainty may be from that of the sequence alone, in logits: float32 and int8, and halves of float32.
NEAR, NEAR_IN_HALVES = 1e-3, 0.25
SMALLEST = 1e-300


def certainty(logits_RC: Array, problem: Problem, temperature: float) -> Numbers:
    """How sure a classifier is of each row, (R,): the logarithm of the odds that its answer is right, as it says.

    Of single labels, that the best one is; of several, the least certain one, there or not. NaN where a logit is.
    """
    scaled_RC = logits_RC.astype(np.float64) / temperature
    if problem == "multi-label":
        least_R: Numbers = np.abs(scaled_RC).min(axis=1)
        return least_R
    best_R = scaled_RC.max(axis=1)
    others_RC = np.exp(scaled_RC - best_R[:, None])
    others_RC[np.arange(len(best_R)), scaled_RC.argmax(axis=1)] = 0.0
    odds_R: Numbers = -np.log(np.maximum(others_RC.sum(axis=1), SMALLEST))
    return odds_R


def odds_of(confidence: float) -> float:
    """The logarithm of the odds of a probability."""
    return math.log(confidence / (1 - confidence)) if 0 < confidence < 1 else math.copysign(math.inf, confidence - 0.5)


def confidence_of(odds: float) -> float:
    """The probability of the logarithm of its odds."""
    return 1 / (1 + math.exp(-odds)) if odds > 0 else 1 - 1 / (1 + math.exp(odds))


class Student:
    """A small model in the place of its teacher, in whose order it gives labels, and whose tokens it reads.

    Args:
        columns: for each of the teacher's labels the student's column.
        scale: what its logits are multiplied by.
    """

    def __init__(self, backend: Backend, rereading: Rereading, columns: Sequence[int], scale: float) -> None:
        self.backend = backend
        self._rereading = rereading
        self._columns = list(columns)
        self._scale = np.float32(scale)

    def scaled(self, scale: float) -> Student:
        """The same, with another scale."""
        return Student(self.backend, self._rereading, self._columns, scale)

    def logits(self, batch: PackedBatch) -> Array:
        """What it gives for each sequence, (R, C) float32, on the teacher's scale; NaN for what it cannot read."""
        found_RC = np.full((len(batch.lengths), len(self._columns)), np.nan, np.float32)
        read, numbers = self._rereading.batch(batch)
        if read is not None:
            (logits_RC,) = self.backend.run(read)
            found_RC[numbers] = logits_RC[:, self._columns] * self._scale
        return found_RC


class CascadeBackend(Backend):
    """A student, and its teacher for what the student is not sure of.

    Args:
        settings: from which confidence the student's answer stands.
    """

    def __init__(self, teacher: Backend, student: Student, settings: CascadeSettings) -> None:
        self.teacher = teacher
        self.student = student
        self._problem = settings.problem
        self._temperature = settings.temperature * settings.scale  # of logits on the teacher's scale
        self._bound = odds_of(settings.confidence)
        self.shape = teacher.shape
        dtypes = dict.fromkeys((student.backend.dtype, teacher.dtype))
        self.dtype = "+".join(dtypes)
        self.device = teacher.device
        self._near = NEAR if dtypes.keys() <= {"float32", "int8"} else NEAR_IN_HALVES

    def run(self, batch: PackedBatch) -> Outputs:
        """The logits of each sequence, the student's where it is sure, else the teacher's."""
        logits_RC = self.student.logits(batch)
        odds_R = self._odds(logits_RC)
        if len(batch.lengths) > 1:
            for number in np.flatnonzero(np.abs(odds_R - self._bound) < self._near).tolist():
                logits_RC[number] = self.student.logits(batch.only([number]))[0]
            odds_R = self._odds(logits_RC)
        left = np.flatnonzero(~(odds_R >= self._bound)).tolist()  # NaN is below it
        if left:
            (logits_RC[left],) = self.teacher.run(batch.only(left))
        return (logits_RC,)

    def _odds(self, logits_RC: Array) -> Numbers:
        return certainty(logits_RC, self._problem, self._temperature)

    def blame(self) -> str:
        """Which weight is not finite, if one is."""
        return self.teacher.blame() or self.student.backend.blame()

    def close(self) -> None:
        """Let go of both."""
        self.student.backend.close()
        self.teacher.close()
