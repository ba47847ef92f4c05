from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bertkit.batching.packed import PackedBatch
from bertkit.config.readout import Readout
from bertkit.exports.trial import Trial
from bertkit.inference.backend import Backend, Outputs
from bertkit.workflows.agreement import agreement


class Says(Backend):
    """Gives what it is told to."""

    dtype, device = "float32", "cpu"

    def __init__(self, *outputs: Sequence[Sequence[float]]) -> None:
        self.outputs = outputs

    def run(self, batch: PackedBatch) -> Outputs:
        return tuple(np.array(one, np.float32) for one in self.outputs)


def trial(*lengths: int) -> Trial:
    return Trial([PackedBatch.of([[1] * length for length in lengths], [[0] * length for length in lengths])], lengths)


def test_labels() -> None:
    expected, found = Says([[1, 2], [5, -5], [0, 3]]), Says([[1.5, 1.4], [5, -5], [0, 3]])
    one = agreement(Readout("sequence", "text-classification", 2), expected, found, trial(3, 1, 2))
    assert (one.texts, one.longest, one.decisions, one.flipped) == (3, 3, 3, 1)
    assert one.difference == pytest.approx(0.6 / 5)
    assert one.words().startswith("differs by at most 1.2e-01, cosine 0.99")
    assert one.words().endswith("1 of 3 decisions differ (3 texts of up to 3 tokens)")


def test_one_number_is_a_decision_by_its_sign() -> None:
    one = agreement(Readout("sequence", "text-classification", 1), Says([[1], [-1]]), Says([[1], [1]]), trial(1, 1))
    assert (one.decisions, one.flipped, one.cosine) == (2, 1, 0.0)


def test_spans_are_decided_within_a_text() -> None:
    """Of the first text the end moves by a token; of the second nothing does."""
    expected = Says([[9, 0], [0, 9], [0, 0], [1, 1]])
    found = Says([[9, 0], [0, 0], [0, 9], [1, 1]])
    one = agreement(Readout("token", "question-answering", 2), expected, found, trial(3, 1))
    assert (one.decisions, one.flipped) == (4, 1)


def test_vectors_decide_nothing() -> None:
    one = agreement(Readout("token"), Says([[3, 4]]), Says([[6, 8]]), trial(1))
    assert (one.decisions, one.difference, one.cosine) == (0, pytest.approx(1.0), pytest.approx(1.0))
    assert "decisions" not in one.words()


def test_of_likeliest_tokens_probabilities_are_compared() -> None:
    readout = Readout("mask", "masked-lm", top_k=2)
    one = agreement(readout, Says([[0.5, 0.5]], [[7, 8]]), Says([[0.5, 0.5]], [[8, 7]]), trial(1))
    assert (one.difference, one.decisions, one.flipped) == (0.0, 1, 1)


def test_what_is_no_number_is_far_away() -> None:
    one = agreement(Readout("token"), Says([[1.0]]), Says([[float("nan")]]), trial(1))
    assert one.difference == float("inf")
