"""The norm of all gradients, and the limit to it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from bertkit.optimisation.gradients import clip


def parameters_with(*gradients: list[float] | None, dtype: torch.dtype = torch.float32) -> list[nn.Parameter]:
    made = []
    for gradient in gradients:
        parameter = nn.Parameter(torch.zeros(len(gradient or [0.0]), dtype=dtype))
        parameter.grad = None if gradient is None else torch.tensor(gradient, dtype=dtype)
        made.append(parameter)
    return made


def test_a_longer_gradient_is_cut_and_the_norm_before_is_told() -> None:
    parameters = parameters_with([3.0, 0.0], None, [4.0])
    norm = clip(parameters, 1.0)
    assert (norm.shape, norm.dtype) == ((), torch.float32)
    assert float(norm) == 5.0
    assert parameters[0].grad is not None
    assert parameters[0].grad.tolist() == pytest.approx([0.6, 0.0], abs=1e-6)
    assert parameters[1].grad is None
    assert float(clip(parameters, None)) == pytest.approx(1.0, abs=1e-6)


def test_a_shorter_gradient_stays() -> None:
    parameters = parameters_with([3.0], [4.0])
    clip(parameters, 5.1)
    assert [p.grad.tolist() for p in parameters if p.grad is not None] == [[3.0], [4.0]]


def test_it_is_what_torch_does() -> None:
    generator = torch.Generator().manual_seed(1)
    values = [torch.randn(7, generator=generator).tolist() for _ in range(5)]
    ours, theirs = parameters_with(*values), parameters_with(*values)
    assert float(clip(ours, 0.3)) == pytest.approx(float(nn.utils.clip_grad_norm_(theirs, 0.3)))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_half_precision_does_not_overflow() -> None:
    parameters = parameters_with([300.0] * 4, dtype=torch.float16)
    assert float(clip(parameters, None)) == 600.0  # the squares are more than float16 holds


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_what_is_not_finite_shows(bad: float) -> None:
    parameters = parameters_with([1.0, 0.0], [bad])
    assert not math.isfinite(float(clip(parameters, 1.0)))
    fine, spoilt = (parameter.grad for parameter in parameters)
    assert fine is not None
    assert spoilt is not None
    assert fine.isfinite().all()
    assert not spoilt.isfinite().any()


def test_without_gradients_the_norm_is_0() -> None:
    assert float(clip(parameters_with(None), 1.0)) == 0.0
