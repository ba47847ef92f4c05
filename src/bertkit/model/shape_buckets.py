"""Few sizes for a CPU's products of half precision and of int8.

oneDNN compiles a product anew for each number of rows, in up to 58 ms and 7 MB, and packed batches have ever new ones:
a step on short texts may take longer to compile than to compute. So what goes through the products is filled up to one
of few sizes, with rows that nobody reads. The slow twin is the same batch as it is.

Shapes: `T` packed tokens, `M` of them whose hidden states are wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from bertkit.batching.token_batch import TokenBatch
from bertkit.config.kernels import compiles_per_size
from bertkit.model.device import is_half

Forward = Callable[..., Tensor]  # an encoder, a batch, and which tokens are wanted, to a row for each
FULL_ROWS = 32
SIZES = 16  # from one power of two to the next; at most so many of a hundred rows are filled: 100 / SIZES


def full(rows: int) -> int:
    """The next of the sizes: a multiple of `FULL_ROWS`, and of what makes `SIZES` of them to the next power of two."""
    step = max(FULL_ROWS, 2 ** (rows.bit_length() - 1) // SIZES) if rows else 1
    return -(-rows // step) * step


def in_few_sizes(forward: Forward) -> Forward:
    """An encoder's `forward` that computes few numbers of rows, where each is compiled for, and returns those asked."""

    @wraps(forward)
    def run(encoder: Any, batch: TokenBatch, output_indices_M: Tensor | None = None) -> Tensor:
        if not compiles_each_size(batch.ids_T.device, encoder.embeddings.token.weight.dtype):
            return forward(encoder, batch, output_indices_M)
        count = (batch.ids_T if output_indices_M is None else output_indices_M).shape[0]
        return forward(encoder, filled(batch), None if output_indices_M is None else repeated(output_indices_M))[:count]

    return run


def compiles_each_size(device: torch.device, weights: torch.dtype) -> bool:
    """Whether products on the device are compiled for each number of rows, in the precision that is now computed in.

    A program that is exported has the sizes that its user chooses.

    Args:
        weights: their precision, which products are in where autocast is off.
    """
    kind = device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weights
    narrow = is_half(dtype) or weights == torch.int8
    return compiles_per_size(kind, narrow=narrow) and not torch.compiler.is_exporting()


def filled(batch: TokenBatch) -> TokenBatch:
    """The same tokens, and after them sequences of token 0 at position 0, none of them longer than the longest."""
    layout = batch.layout.filled(full)
    if layout is batch.layout:
        return batch
    nothing_S = batch.ids_T.new_zeros(sum(layout.lengths) - len(batch.ids_T))
    ids_T, segments_T, positions_T = (
        torch.cat([part_T, nothing_S]) for part_T in (batch.ids_T, batch.segments_T, batch.positions_T)
    )
    return TokenBatch(ids_T, segments_T, positions_T, layout)


def repeated(output_indices_M: Tensor) -> Tensor:
    """The same tokens, and then the first one again; none where there is none."""
    spare = full(len(output_indices_M)) - len(output_indices_M)
    return torch.cat([output_indices_M, output_indices_M[:1].expand(spare)])
