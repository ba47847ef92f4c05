from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bertkit.model.dropout import Dropout, kept


@pytest.mark.parametrize("p", [0.1, 0.5, 0.003])
def test_as_many_are_dropped_as_asked_for_and_the_mean_is_kept(p: float) -> None:
    torch.manual_seed(0)
    count = 3_000_001
    multipliers = kept((count,), p, torch.float64)
    assert len(multipliers.unique()) == 2
    dropped = (multipliers == 0).double()
    error = 4 * (p * (1 - p) / count) ** 0.5
    assert abs(dropped.mean() - p) < error + 0.5 / 2**16  # to the nearest of 65,536 steps
    assert abs(multipliers.mean() - 1.0) < error / (1 - p)
    for step in (1, 2, 3, 4):  # the four entries of one draw do not know one another
        together = (dropped[step:] * dropped[:-step]).mean()
        assert abs(together - dropped.mean() ** 2) < 4 * (p**2 / count) ** 0.5


@pytest.mark.parametrize("p", [0.0, 0.1 / 2**16, 1.0 / 2**16, 0.25, 1.0 - 2.0 / 2**16, 1.0])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_an_entry_is_kept_by_its_sixteen_bits(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    drawn = torch.empty(1 + 99_999 // 4, dtype=torch.int64).random_(-(2**63), None).view(torch.int16)[:99_999]
    dropped = round(p * 2**16)
    scale = 2**16 / (2**16 - dropped) if dropped < 2**16 else 0.0
    torch.manual_seed(0)
    expected = torch.tensor(scale, dtype=dtype) * (drawn.int() + 2**15 >= dropped).to(dtype)
    assert torch.equal(kept((99_999,), p, dtype), expected)


def test_by_the_generators_state() -> None:
    def drawn(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return kept((3, 5, 7), 0.5, torch.float32)

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
def test_the_module(p: float) -> None:
    dropout = Dropout(p)
    x = torch.randn(13, 7, requires_grad=True)
    assert dropout.eval()(x) is x
    torch.manual_seed(3)
    y = dropout.train()(x)
    if p == 0.0:
        assert y is x
        return
    torch.manual_seed(3)
    multipliers = kept(x.shape, p, x.dtype)
    assert torch.equal(y, x * multipliers)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient, multipliers)
    assert (p == 1.0) == (not y.any())
