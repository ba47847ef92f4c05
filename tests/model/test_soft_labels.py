"""The teacher's part in a loss, against the formula written out."""

from __future__ import annotations

import pytest
import torch

from bertkit.families.labels import Problem
from bertkit.model.soft_labels import SoftLabels

random = torch.Generator().manual_seed(3)
OURS, THEIRS = (torch.randn(5, 4, generator=random, dtype=torch.float64) * 3 for _ in range(2))


def expected(problem: Problem, temperature: float) -> float:
    total = 0.0
    for ours, theirs in zip(OURS, THEIRS, strict=True):
        if problem == "regression":
            total += float(((ours - theirs) ** 2).sum())
        elif problem == "single-label":
            p, q = (theirs / temperature).softmax(0), (ours / temperature).softmax(0)
            total += float((p * (p / q).log()).sum()) * temperature**2
        else:
            p, q = (theirs / temperature).sigmoid(), (ours / temperature).sigmoid()
            each = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
            total += float(each.mean()) * temperature**2
    return total


@pytest.mark.parametrize("problem", ["single-label", "multi-label", "regression"])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_divergence(problem: Problem, temperature: float) -> None:
    soft = SoftLabels(problem, temperature)
    assert float(soft.divergence(OURS, THEIRS)) == pytest.approx(expected(problem, temperature), rel=1e-9)
    assert float(soft.divergence(THEIRS, THEIRS)) == pytest.approx(0.0, abs=1e-9)


def test_labels_have_their_share() -> None:
    hard = torch.tensor(7.0, dtype=torch.float64)
    divergence = expected("single-label", 2.0)
    assert float(SoftLabels("single-label", 2.0, 0.3).mix(hard, OURS, THEIRS)) == pytest.approx(
        0.3 * 7 + 0.7 * divergence
    )
    without = SoftLabels("single-label", 2.0).mix(hard / 0, OURS, THEIRS)
    assert float(without) == pytest.approx(divergence), "labels that do not count cannot do harm"


def test_agreement() -> None:
    ours, theirs = torch.tensor([[2.0, 1.0], [1.0, 2.0]]), torch.tensor([[3.0, -1.0], [3.0, 1.0]])
    assert float(SoftLabels("single-label", 1.0).sums(ours, theirs)["correct"]) == 1.0
    assert float(SoftLabels("multi-label", 1.0).sums(ours, theirs)["correct"]) == 1.5
    assert SoftLabels("regression", 1.0).sums(ours, theirs) == {}
