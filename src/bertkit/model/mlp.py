"""The feed-forward part of a layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from bertkit.config.encoder import Activation, HeadActivation
from bertkit.model.fixed_rows import by_numbers

ACTIVATIONS: dict[HeadActivation, Callable[[Tensor], Tensor]] = {
    "gelu": by_numbers(functional.gelu),
    "gelu_tanh": by_numbers(partial(functional.gelu, approximate="tanh")),
    "relu": functional.relu,
    "silu": by_numbers(functional.silu),
    "tanh": by_numbers(torch.tanh),
}


class MLP(nn.Module):
    """`down(activation(up(x)))`, (T, W) to (T, W) through (T, F)."""

    def __init__(self, up: nn.Module, down: nn.Module, activation: Activation) -> None:
        super().__init__()
        self.up = up
        self.down = down
        self.activation: Activation | None = activation  # None where `up` applies it itself

    def forward(self, x_TW: Tensor) -> Tensor:
        """The transformed tokens, (T, W)."""
        x_TF = self.up(x_TW)
        if self.activation is not None:
            x_TF = ACTIVATIONS[self.activation](x_TF)
        return self.down(x_TF)  # type: ignore[no-any-return]


class GatedMLP(nn.Module):
    """`down(activation(a) · b)`, `a` and `b` the halves of `up(x)`, (T, 2F) (Shazeer 2020, arXiv 2002.05202)."""

    def __init__(self, up: nn.Module, down: nn.Module, activation: Activation) -> None:
        super().__init__()
        self.up = up
        self.down = down
        self.activation: Activation = activation

    def forward(self, x_TW: Tensor) -> Tensor:
        """The transformed tokens, (T, W)."""
        a_TF, b_TF = self.up(x_TW).chunk(2, dim=-1)
        return self.down(ACTIVATIONS[self.activation](a_TF) * b_TF)  # type: ignore[no-any-return]
