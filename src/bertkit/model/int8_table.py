"""A table of embeddings whose rows are int8, with a scale each: a quarter of the memory, and of the file.

Shapes: `V` rows, `E` width of one, `T` tokens.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bertkit.model.quantising import dequantise_rows, quantise_rows


class Int8Table(nn.Module):
    """Rows of a table by their numbers, as `nn.Embedding` gives them, float32. Inference only.

    Args:
        weight: (V, E) int8.
        scale: (V,).
    """

    weight: Tensor
    weight_scale: Tensor

    def __init__(self, weight: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("weight_scale", scale)

    @classmethod
    def of(cls, table: nn.Embedding) -> Int8Table:
        """The table, quantised, with scales of float16."""
        return cls(*quantise_rows(table.weight, torch.float16))

    @classmethod
    def like(cls, table: nn.Embedding) -> Int8Table:
        """A table of this shape, on the same device, whose rows are yet to be loaded."""
        weight = table.weight
        return cls(
            torch.empty_like(weight, dtype=torch.int8, requires_grad=False),
            weight.new_empty(len(weight), dtype=torch.float16, requires_grad=False),
        )

    @property
    def num_embeddings(self) -> int:
        """V."""
        return self.weight.shape[0]

    def forward(self, ids_T: Tensor) -> Tensor:
        """(T,) to (T, E)."""
        return dequantise_rows(functional.embedding(ids_T, self.weight), self.weight_scale[ids_T])

    def rows(self) -> Tensor:
        """All of them, (V, E) float32."""
        return dequantise_rows(self.weight, self.weight_scale)
