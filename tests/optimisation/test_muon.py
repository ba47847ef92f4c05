"""Muon with AdamW against torch's own two."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn

from bertkit.optimisation import muon as muon_module
from bertkit.optimisation.muon import MOMENTUM, MuonWithAdamW, orthogonal

ADAM = {"betas": (0.9, 0.99), "eps": 1e-6}


def parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(6, 4), (4, 6), (5, 5), (3,), (7, 3)]
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


def gradients(step: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(step)
    return [torch.randn(parameter.shape, generator=generator) for parameter in parameters()]


def groups_of(matrices: list[nn.Parameter], others: list[nn.Parameter]) -> list[dict[str, object]]:
    return [
        {"params": matrices, "lr": 0.02, "weight_decay": 0.1, "orthogonal": True, **ADAM},
        {"params": others, "lr": 0.001, "weight_decay": 0.1, "orthogonal": False, **ADAM},
    ]


def test_it_is_what_torchs_muon_and_adamw_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(muon_module, "is_faster_in_bfloat16", lambda device: True)  # torch's is always in bfloat16
    ours, theirs = parameters(), parameters()
    optimiser = MuonWithAdamW(groups_of(ours[:3], ours[3:]), fused=True)
    muon = torch.optim.Muon(theirs[:3], lr=0.02, weight_decay=0.1, momentum=MOMENTUM)
    adamw = torch.optim.AdamW(theirs[3:], lr=0.001, weight_decay=0.1, **ADAM)
    for step in range(1, 6):
        for all_parameters in (ours, theirs):
            for parameter, gradient in zip(all_parameters, gradients(step), strict=True):
                parameter.grad = gradient.clone()
        optimiser.step()
        muon.step()
        adamw.step()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("fast", [True, False])
def test_singular_values_come_near_to_1(monkeypatch: pytest.MonkeyPatch, fast: bool) -> None:
    monkeypatch.setattr(muon_module, "is_faster_in_bfloat16", lambda device: fast)
    matrix = torch.randn(40, 30, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonal(matrix).float())
    assert float(values.min()) > 0.6
    assert float(values.max()) < 1.3
    assert orthogonal(torch.zeros(3, 2)).tolist() == [[0.0, 0.0]] * 3
    assert orthogonal(matrix).dtype == (torch.bfloat16 if fast else torch.float32)


def test_one_state_holds_both_and_goes_on() -> None:
    first, second = parameters(), parameters()
    one, other = (MuonWithAdamW(groups_of(some[:3], some[3:]), fused=True) for some in (first, second))

    def step(optimiser: MuonWithAdamW, changed: list[nn.Parameter], number: int) -> None:
        for parameter, gradient in zip(changed, gradients(number), strict=True):
            parameter.grad = gradient
        optimiser.step()

    step(one, first, 1)
    assert sorted(one.state[first[0]]) == ["momentum_buffer", "step"]
    assert sorted(one.state[first[4]]) == ["exp_avg", "exp_avg_sq", "step"]
    other.load_state_dict(deepcopy(one.state_dict()))  # else they share its tensors
    with torch.no_grad():
        for mine, theirs in zip(second, first, strict=True):
            mine.copy_(theirs)
    step(one, first, 2)
    step(other, second, 2)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert len(one.param_groups) == 2
