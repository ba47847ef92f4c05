"""LoRA: a frozen linear layer learns the difference that a product of two narrow matrices makes (Hu et al. 2021).

Shapes: `T` tokens, `I` inputs, `O` outputs, `R` rank.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from bertkit.model.encoder import Encoder

Kind = TypeVar("Kind", bound=nn.Module)


class Adapted(nn.Module):
    """`linear(x) + scale · x · lowerᵀ · upperᵀ`. It begins as the linear layer itself: `upper` is zero.

    Args:
        linear: is frozen.
        scale: alpha / rank of the paper.
    """

    def __init__(self, linear: nn.Linear, rank: int, scale: float, random: torch.Generator) -> None:
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.scale = scale
        deviation = linear.in_features**-0.5
        self.lower = nn.Parameter(torch.randn(rank, linear.in_features, generator=random) * deviation)
        self.upper = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x_TI: Tensor) -> Tensor:
        """The outputs, (T, O)."""
        return self.linear(x_TI) + self.scale * (x_TI @ self.lower.T) @ self.upper.T  # type: ignore[no-any-return]

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """The linear layer, the difference added to its weights."""
        self.linear.weight += self.scale * self.upper @ self.lower
        return self.linear


def adapt(encoder: Encoder, rank: int, alpha: float, random: torch.Generator) -> None:
    """Freeze an encoder, and adapt every linear layer inside its layers."""
    encoder.requires_grad_(False)
    for _, parent, name, linear in _children(encoder, nn.Linear):
        setattr(parent, name, Adapted(linear, rank, alpha / rank, random))


def adapters(encoder: Encoder) -> dict[str, Adapted]:
    """The adapted layers, by the names that their linear layers have without."""
    return {path: adapted for path, _, _, adapted in _children(encoder, Adapted)}


def merge(encoder: Encoder) -> None:
    """Make an adapted encoder a plain one that computes the same."""
    for _, parent, name, adapted in _children(encoder, Adapted):
        setattr(parent, name, adapted.merged())


def _children(encoder: Encoder, kind: type[Kind]) -> list[tuple[str, nn.Module, str, Kind]]:
    """The modules of a kind inside the layers: the whole name, the parent, the name there, the module."""
    return [
        (f"layers.{path}.{name}", parent, name, child)
        for path, parent in encoder.layers.named_modules()
        for name, child in parent.named_children()
        if isinstance(child, kind) and not isinstance(parent, Adapted)
    ]
