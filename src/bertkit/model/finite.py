"""Which numbers of a model are not finite, when something that it computed is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import torch
from torch import Tensor, nn

from bertkit.errors import NotFinite
from bertkit.model.linear import as_usual


def weights_of(**modules: nn.Module | None) -> Iterator[tuple[str, Tensor]]:
    """The weights of modules, packed ones too, each with its name behind that of its module."""
    for name, module in modules.items():
        if module is not None:
            for weight, tensor in chain(module.named_parameters(), module.named_buffers()):
                yield f"{name}.{weight}", as_usual(tensor)


@torch.no_grad()
def first_not_finite(tensors: Iterable[tuple[str, Tensor]]) -> str | None:
    """The name of the first tensor that holds NaN or infinity; None where all numbers are finite."""
    return next((name for name, tensor in tensors if not bool(tensor.isfinite().all())), None)


def blame(weights: Iterable[tuple[str, Tensor]]) -> str:
    """Why something is not finite: which of the model's weights is not, if one is."""
    name = first_not_finite(weights)
    return "though all weights are" if name is None else f"for the weight {name} is not"


def not_finite(what: str, weights: Iterable[tuple[str, Tensor]]) -> NotFinite:
    """The error that says what is not finite, and why."""
    return NotFinite(f"{what} is not finite but NaN or infinity, {blame(weights)}")
