"""What sentence-transformers' models do to numbers before and after they are pooled: dense layers, norms, lengths.

A model is a chain of steps over named numbers: each reads one name and writes one. Their weights stay float32 whatever
the encoder computes in, are few, and never learn here.

Shapes: `T` packed tokens, `B` sequences, `W` width, `O` width of a step's output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

from bertkit.batching.layout import Layout
from bertkit.config.pooling import Pooling, parts_of
from bertkit.config.vectors import ELEMENTWISE, TOKENS, VECTOR
from bertkit.model.fixed_rows import by_numbers, linear
from bertkit.model.pooling import pool_tokens

if TYPE_CHECKING:
    from bertkit.model.encoder import Encoder

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    name.lower(): by_numbers(getattr(nn, name)()) for name in ELEMENTWISE
}


@dataclass(frozen=True, eq=False)
class Dense:
    """`activation(x Wᵀ + b)`, plus `x` itself or a product of it.

    Attributes:
        weight_OW, bias_O: of the layer; None without a bias.
        activation: one of `ACTIVATIONS`.
        residual: whether the input is added.
        residual_OW: what the input is multiplied by before that; None where it is added as it is.
    """

    weight_OW: Tensor
    bias_O: Tensor | None
    activation: str
    residual: bool = False
    residual_OW: Tensor | None = None

    def __call__(self, x_BW: Tensor) -> Tensor:
        """(B, W) to (B, O)."""
        x_BW = x_BW.float()
        bias_O = None if self.bias_O is None else self.bias_O.to(x_BW.device)
        out_BO = ACTIVATIONS[self.activation](linear(x_BW, self.weight_OW.to(x_BW.device), bias_O))
        if not self.residual:
            return out_BO
        if self.residual_OW is None:
            return out_BO + x_BW
        return out_BO + linear(x_BW, self.residual_OW.to(x_BW.device), None)


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """Layer normalisation with torch's own epsilon."""

    weight_W: Tensor
    bias_W: Tensor

    def __call__(self, x_BW: Tensor) -> Tensor:
        """(B, W) to (B, W)."""
        weight_W, bias_W = self.weight_W.to(x_BW.device), self.bias_W.to(x_BW.device)
        return functional.layer_norm(x_BW.float(), weight_W.shape, weight_W, bias_W)


def normalise(x_BW: Tensor) -> Tensor:
    """Rows of length 1, (B, W)."""
    return functional.normalize(x_BW.float(), dim=-1)


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a chain: the numbers called `reads`, changed, become those called `writes`."""

    reads: str
    writes: str
    change: Callable[[Tensor], Tensor]


def run_steps(steps: Sequence[Step], numbers: dict[str, Tensor]) -> dict[str, Tensor]:
    """All numbers after the steps."""
    for step in steps:
        numbers = numbers | {step.writes: step.change(numbers[step.reads])}
    return numbers


@dataclass(frozen=True, eq=False)
class VectorRecipe:
    """How the tokens of a text become one vector.

    Attributes:
        poolings: put side by side.
        before: what is done to tokens.
        after: what is done to the vector.
        skip: tokens at the beginning that are not pooled: a prompt's.
    """

    poolings: tuple[Pooling, ...] = ("mean",)
    before: tuple[Step, ...] = ()
    after: tuple[Step, ...] = ()
    skip: int = 0

    def tokens(self, hidden_TW: Tensor) -> Tensor:
        """What is pooled of the encoder's hidden states, (T, O)."""
        return run_steps(self.before, {TOKENS: hidden_TW})[TOKENS] if self.before else hidden_TW

    def finish(self, pooled_BW: Tensor, name: str = VECTOR) -> Tensor:
        """What becomes of pooled tokens, (B, O): the numbers called `name`."""
        return run_steps(self.after, {VECTOR: pooled_BW})[name]

    def vectors(self, hidden_TW: Tensor, layout: Layout, name: str = VECTOR) -> Tensor:
        """One vector a sequence, (B, O)."""
        return self.finish(pool_tokens(self.tokens(hidden_TW), layout, self.poolings, self.skip), name)


class RecipeHead(nn.Module):
    """A recipe's last numbers: a text's vector, or the scores of a cross-encoder that was put together of modules.

    Args:
        name: what those numbers are called.
    """

    def __init__(self, recipe: VectorRecipe, name: str = VECTOR) -> None:
        super().__init__()
        self.recipe = recipe
        self.name = name

    def output_indices(self, layout: Layout) -> Tensor | None:
        """All tokens are read."""
        return None

    def forward(self, hidden_TW: Tensor, layout: Layout, encoder: Encoder) -> Tensor:
        """The numbers, (B, O)."""
        return self.recipe.vectors(hidden_TW, layout, self.name)

    def parts(self, hidden_TW: Tensor, layout: Layout) -> tuple[Tensor, ...]:
        """What the poolings are made of, (B, O) float32 each; where a prompt is left out, once more without it."""
        tokens_TW, skip = self.recipe.tokens(hidden_TW), self.recipe.skip
        skips = (0, skip) if skip else (0,)
        return tuple(layout.reduce(tokens_TW, part, skip) for skip in skips for part in parts_of(self.recipe.poolings))
