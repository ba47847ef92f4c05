from __future__ import annotations

import math

import numpy as np
import pytest

from bertkit.batching.packed import PackedBatch
from bertkit.config.cascade import CascadeSettings
from bertkit.inference.backend import Backend, Outputs
from bertkit.inference.cascade_backend import NEAR, CascadeBackend, Student, certainty, confidence_of, odds_of

SETTINGS = {"answered": 0.5, "speed": 2.0, "metric": "accuracy", "loss_points": 0.0, "loss_low": 0.0, "loss_high": 0.0}


class Says(Backend):
    """Its logits are functions of a sequence's first id; what else is in the batch adds a rounding."""

    device = "abacus"

    def __init__(self, dtype: str = "float32", rounding: float = 0.0, factor: float = 1.0) -> None:
        self.dtype = dtype
        self.rounding = rounding
        self.factor = factor
        self.asked: list[int] = []

    def run(self, batch: PackedBatch) -> Outputs:
        firsts = batch.ids_T[batch.positions_T == 0].tolist()
        self.asked += firsts
        more = self.rounding * (len(firsts) - 1)
        return (np.array([[0.0, self.factor * first + more] for first in firsts], np.float32),)


class Whole:
    """Reads a batch as it is, but for sequences that begin with 13."""

    def batch(self, batch: PackedBatch) -> tuple[PackedBatch | None, list[int]]:
        firsts = batch.ids_T[batch.positions_T == 0].tolist()
        kept = [number for number, first in enumerate(firsts) if first != 13]
        return (batch.only(kept) if kept else None), kept


def cascade(
    student: Backend, teacher: Backend, odds: float, temperature: float = 1.0, scale: float = 1.0
) -> CascadeBackend:
    settings = CascadeSettings(
        problem="single-label",
        confidence=confidence_of(odds),
        temperature=temperature,
        scale=scale,
        examples=100,
        **SETTINGS,  # type: ignore[arg-type]
    )
    return CascadeBackend(teacher, Student(student, Whole(), [1, 0], scale), settings)  # type: ignore[arg-type]


def batch_of(*firsts: int) -> PackedBatch:
    return PackedBatch.of([[first, 1] for first in firsts], [[0, 0] for _ in firsts])


def test_the_student_where_it_is_sure_else_the_teacher() -> None:
    student, teacher = Says(), Says(factor=-1.0)
    (logits_RC,) = cascade(student, teacher, odds=4.5).run(batch_of(2, 5, 13, 9))
    assert logits_RC.tolist() == [[0, -2], [5, 0], [0, -13], [9, 0]]
    assert teacher.asked == [2, 13]
    (logits_RC,) = cascade(student, teacher, odds=4.5).run(batch_of(7))
    assert logits_RC.tolist() == [[7, 0]]
    assert teacher.asked == [2, 13]


def test_temperature_and_scale() -> None:
    teacher = Says(factor=-1.0)
    (logits_RC,) = cascade(Says(), teacher, odds=2.5, temperature=2.0, scale=0.25).run(batch_of(4, 6))
    assert logits_RC.tolist() == [[0, -4], [1.5, 0]]
    assert teacher.asked == [4]


@pytest.mark.parametrize("rounding", [0.4 * NEAR, -0.4 * NEAR])
def test_near_the_bound_a_sequence_is_decided_by_itself(rounding: float) -> None:
    """In a batch of three a rounding would have the other model answer it than alone."""
    student, teacher = Says(rounding=rounding), Says(factor=-1.0)
    odds = 5.0 + rounding / 2
    alone = [cascade(student, teacher, odds).run(batch_of(first))[0][0] for first in (5, 2, 9)]
    together = cascade(student, teacher, odds).run(batch_of(5, 2, 9))[0]
    assert (np.argmax(together, axis=1) == np.argmax(alone, axis=1)).all()
    assert together[0].tolist() == alone[0].tolist()


def test_numbers_that_are_not_finite_are_not_sure() -> None:
    (logits_RC,) = cascade(Says(factor=math.nan), Says(), odds=1.0).run(batch_of(3))
    assert logits_RC.tolist() == [[0, 3]]


def test_what_both_say_of_themselves() -> None:
    assert cascade(Says(), Says(), 1.0).dtype == "float32"
    mixed = cascade(Says("int8"), Says("bfloat16"), 1.0)
    assert (mixed.dtype, mixed.device) == ("int8+bfloat16", "abacus")


def test_certainty() -> None:
    logits = np.array([[1.0, 3.0, 0.0], [500.0, 0.0, 0.0]], np.float32)
    single = certainty(logits, "single-label", 2.0)
    powers = np.exp(np.array([0.5, 1.5, 0.0]))
    best = powers[1] / powers.sum()
    assert single[0] == pytest.approx(math.log(best / (1 - best)))
    assert single[1] == pytest.approx(250 - math.log(2))
    several = certainty(np.array([[2.0, -4.0, 3.0]], np.float32), "multi-label", 2.0)
    assert several.tolist() == [1.0]


def test_odds_and_confidence() -> None:
    for odds in (-3.0, 0.0, 2.0, 20.0):
        assert odds_of(confidence_of(odds)) == pytest.approx(odds, abs=1e-6)
    assert (odds_of(1.0), odds_of(0.0)) == (math.inf, -math.inf)
