"""A running mean of a model's weights (Polyak & Juditsky 1992), to evaluate and to save in their stead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule

from bertkit.optimisation.shards import local_part


class RunningMean:
    """The mean of the weights after each step, older ones weighing less, in float32.

    Weights may be divided between ranks (FSDP2), and must be already; each rank keeps the mean of its part.

    Args:
        model: whose parameters are followed. The mean begins as they are now.
        decay: what the mean keeps of itself in a step. In the first steps it is `(1 + n) / (10 + n)` after n of them
            where that is less, so that the mean soon forgets how the weights began (as TensorFlow's
            `ExponentialMovingAverage`).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._model = model
        self._decay = decay
        self._updates = torch.tensor(0)  # a tensor, for `state_dict` to give what will count on, as the means do
        # The objects as they are now: inside a forward pass FSDP2 shows other ones, which it forgets again.
        self._parameters = dict(model.named_parameters())
        self._means = {name: _copy(parameter) for name, parameter in self._parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take the weights of now into the mean; to be called after each step of the optimiser."""
        updates = int(self._updates)
        keep = min(self._decay, (1 + updates) / (10 + updates))
        self._updates += 1
        weights = [local_part(parameter).float() for parameter in self._parameters.values()]
        torch._foreach_lerp_([local_part(mean) for mean in self._means.values()], weights, 1.0 - keep)

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """While it lasts, the model has the mean for its weights. It is not to be trained meanwhile."""
        kept = {name: parameter.detach().clone() for name, parameter in self._parameters.items()}
        self._write(self._means)
        try:
            yield
        finally:
            self._write(kept)

    def state_dict(self) -> dict[str, Tensor]:
        """`updates`, and the mean of each parameter as `means.` and its name; no copies."""
        means = {f"means.{name}": mean for name, mean in self._means.items()}
        return {"updates": self._updates, **means}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state_dict` gave, of a model of the same parameters, divided in the same way.

        Raises:
            KeyError: it lacks a parameter.
        """
        self._updates.copy_(state["updates"])
        for name, mean in self._means.items():
            mean.copy_(state[f"means.{name}"])

    @torch.no_grad()
    def _write(self, weights: Mapping[str, Tensor]) -> None:
        for module in self._model.modules():
            if isinstance(module, FSDPModule):
                module.reshard()  # else a whole copy, gathered for the last forward pass, would be what it goes on with
        for name, parameter in self._parameters.items():
            parameter.copy_(weights[name])


def _copy(parameter: nn.Parameter) -> Tensor:
    return parameter.detach().clone().float()
