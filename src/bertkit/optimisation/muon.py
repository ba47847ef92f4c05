"""Muon for matrices (Jordan 2024, kellerjordan.github.io/posts/muon), AdamW for the rest, as one optimiser.

torch has a Muon; this one is here because torch's computes on the parts of a divided matrix in half precision, so that
its result depends on the number of ranks, and because a run's state is simpler to keep in one object than in two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import AdamW

from bertkit.model.device import is_faster_in_bfloat16

MOMENTUM = 0.95
ROUNDS = 5
QUINTIC = (3.4445, -4.7750, 2.0315)
SMALL = 1e-7


class MuonWithAdamW(AdamW):
    """One step of Muon for the groups whose `orthogonal` is true, of AdamW for the others.

    A matrix that is divided between ranks is gathered for its orthogonal step, one matrix at a time, and every rank
    computes the whole of it; the momentum stays divided.

    Args:
        groups: dictionaries of `params`, `lr`, `weight_decay` and `orthogonal`, and AdamW's settings.
        fused: for AdamW.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], *, fused: bool) -> None:
        super().__init__(groups, fused=fused)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update from the gradients; every rank must take it."""
        every = self.param_groups
        # AdamW's own step must see its own groups only.
        self.param_groups = [group for group in every if not group["orthogonal"]]
        try:
            loss: float | None = super().step(closure)
        finally:
            self.param_groups = every
        for group in every:
            if group["orthogonal"]:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._update(parameter, parameter.grad, group)
        return loss

    def _update(self, parameter: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())  # Adam, when it loads a state, expects one with every parameter
            state["momentum_buffer"] = torch.zeros_like(parameter)
        state["step"] += 1
        momentum: Tensor = state["momentum_buffer"]
        momentum.lerp_(gradient, 1.0 - MOMENTUM)
        update = _orthogonal_like(gradient.lerp(momentum, MOMENTUM))  # Nesterov's momentum
        rows, columns = parameter.shape
        parameter.mul_(1.0 - group["lr"] * group["weight_decay"])
        parameter.add_(update, alpha=-group["lr"] * math.sqrt(max(1.0, rows / columns)))


def _orthogonal_like(matrix: Tensor) -> Tensor:
    """`orthogonal` of the whole matrix, divided as the matrix is."""
    if not isinstance(matrix, DTensor):
        return orthogonal(matrix).to(matrix.dtype)
    whole = orthogonal(matrix.full_tensor()).to(matrix.dtype)
    # Every rank has computed the same, so that none needs to be sent its part.
    return distribute_tensor(whole, matrix.device_mesh, matrix.placements, src_data_rank=None)


def orthogonal(matrix: Tensor) -> Tensor:
    """Nearly `U Vᵀ` of the matrix `U S Vᵀ`: five rounds of a Newton-Schulz iteration whose polynomial brings singular
    values to between 0.7 and 1.2.

    In bfloat16, as published, where the device is faster with it, else in float32: a CPU without instructions for
    bfloat16 is many times slower.
    """
    a, b, c = QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.to(torch.bfloat16 if is_faster_in_bfloat16(matrix.device) else torch.float32)
    x = x.T if tall else x
    x = x / x.norm().clamp(min=SMALL)
    for _ in range(ROUNDS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
