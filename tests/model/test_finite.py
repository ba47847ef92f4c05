from __future__ import annotations

import pytest
import torch
from torch import nn

from bertkit.model.finite import first_not_finite, not_finite, weights_of
from bertkit.model.linear import PackedLinear


def test_a_packed_weight_that_is_not_finite_is_named() -> None:
    linear = nn.Linear(5, 3)
    linear.weight.data[1, 2] = torch.inf
    assert first_not_finite(weights_of(head=nn.Sequential(PackedLinear(linear, torch.float32)))) == "head.0.weight"


def test_buffers_are_looked_at_too() -> None:
    norm = nn.BatchNorm1d(3)
    assert norm.running_var is not None
    norm.running_var[1] = torch.nan
    assert first_not_finite(weights_of(encoder=nn.Linear(2, 3), head=norm, nothing=None)) == "head.running_var"


@pytest.mark.parametrize(("value", "why"), [(1.0, "though all weights are"), (-torch.inf, "for the weight head.bias")])
def test_the_error_says_what_is_to_blame(value: float, why: str) -> None:
    linear = nn.Linear(2, 3)
    linear.bias.data[2] = value
    assert f"the loss is not finite but NaN or infinity, {why}" in str(not_finite("the loss", weights_of(head=linear)))
