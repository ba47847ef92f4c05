"""LAMB (You et al. 2019, arXiv 1904.00962, algorithm 2), for large batches.

Adam's step for each tensor, rescaled so that its norm is the learning rate times the norm of the tensor itself. So all
layers change by the same share of their weights, however large their gradients are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bertkit.optimisation.shards import divided_like, local_part, whole_norms

MOST_BYTES_AT_ONCE = 2**28  # of parameters in one round: what bounds the memory of their updates


class Lamb(Optimizer):
    """LAMB with bias correction.

    A group with `adapt` false takes Adam's step as it is: norms and biases, as in the authors' program. Norms are those
    of whole tensors where these are divided between ranks. A tensor of norm 0, and a step of norm 0, have the ratio 1.

    Args:
        groups: dictionaries of `params`, `lr`, `betas`, `eps`, `weight_decay` and `adapt`.
    """

    def __init__(self, groups: Iterable[dict[str, Any]]) -> None:
        super().__init__(groups, {"adapt": True})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update from the gradients; every rank must take it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            changed = [parameter for parameter in group["params"] if parameter.grad is not None]
            for some in _rounds(changed):
                self._update(some, group)
        return loss

    def _update(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        """One update of parameters of a group; the updates take as much memory as they do."""
        weights = [local_part(parameter) for parameter in parameters]
        updates = self._adam_directions(parameters, group)
        if group["weight_decay"]:
            torch._foreach_add_(updates, weights, alpha=group["weight_decay"])
        if group["adapt"]:
            torch._foreach_mul_(updates, list(_ratios(parameters, updates).unbind()))
        torch._foreach_add_(weights, updates, alpha=-group["lr"])

    def _adam_directions(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> list[Tensor]:
        """Adam's direction for this rank's part of each parameter: `m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)`."""
        states = [self._state_of(parameter) for parameter in parameters]
        gradients = [local_part(parameter.grad) for parameter in parameters if parameter.grad is not None]
        means = [local_part(state["exp_avg"]) for state in states]
        squares = [local_part(state["exp_avg_sq"]) for state in states]
        mean_decay, square_decay = group["betas"]
        torch._foreach_add_([state["step"] for state in states], 1)
        steps = [float(state["step"]) for state in states]
        torch._foreach_lerp_(means, gradients, 1.0 - mean_decay)
        torch._foreach_mul_(squares, square_decay)
        torch._foreach_addcmul_(squares, gradients, gradients, 1.0 - square_decay)
        directions = list(torch._foreach_sqrt(squares))
        torch._foreach_div_(directions, [(1.0 - square_decay**step) ** 0.5 for step in steps])
        torch._foreach_add_(directions, group["eps"])
        torch._foreach_reciprocal_(directions)  # in place, rather than a second list for the quotient
        torch._foreach_mul_(directions, means)
        torch._foreach_div_(directions, [1.0 - mean_decay**step for step in steps])
        return directions

    def _state_of(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        """Its running means, as torch's Adam names them; the step is on the host, where it is read."""
        state: dict[str, Tensor] = self.state[parameter]
        if not state:
            state["step"] = torch.zeros((), device="cpu")
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        return state


def _ratios(parameters: list[nn.Parameter], updates: list[Tensor]) -> Tensor:
    """Trust ratios: the norm of each parameter over that of its update."""
    whole = [divided_like(update, parameter) for update, parameter in zip(updates, parameters, strict=True)]
    lengths, steps = whole_norms([*parameters, *whole]).chunk(2)
    return torch.where((lengths > 0) & (steps > 0), lengths / steps, torch.ones_like(lengths))


def _rounds(parameters: list[nn.Parameter]) -> Iterable[list[nn.Parameter]]:
    """The parameters in order, in lists of bounded size: alike on every rank, since whole sizes count."""
    some: list[nn.Parameter] = []
    size_bytes = 0
    for parameter in parameters:
        more_bytes = parameter.numel() * parameter.element_size()
        if some and size_bytes + more_bytes > MOST_BYTES_AT_ONCE:
            yield some
            some, size_bytes = [], 0
        some.append(parameter)
        size_bytes += more_bytes
    if some:
        yield some
