"""Few sizes for a CPU's products of half precision.

oneDNN compiles a product anew for each number of rows, in up to 58 ms and 7 MB, and packed batches have ever new ones:
a step on short texts may take longer to compile than to compute. So what goes through the products is filled up to one
of few sizes, with rows that nobody reads. The slow twin is the same batch as it is.

Shapes: `T` packed tokens, `M` of them whose hidden states are wanted.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bertkit.batching.token_batch import Layout, TokenBatch

FULL_ROWS = 32
SIZES = 16  # from one power of two to the next; at most so many of a hundred rows are filled: 100 / SIZES


def full(rows: int) -> int:
    """The next of the sizes: a multiple of `FULL_ROWS`, and of what makes `SIZES` of them to the next power of two."""
    step = max(FULL_ROWS, 2 ** (rows.bit_length() - 1) // SIZES) if rows else 1
    return -(-rows // step) * step


def compiles_each_size(device: torch.device, weights: torch.dtype) -> bool:
    """Whether products on the device are compiled for each number of rows, in the precision that is now computed in.

    Args:
        weights: their precision, which products are in where autocast is off.
    """
    kind = device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weights
    return kind == "cpu" and dtype in (torch.bfloat16, torch.float16)


def filled(batch: TokenBatch) -> TokenBatch:
    """The same tokens, and after them sequences of token 0 at position 0, none of them longer than the longest."""
    count, longest = len(batch.ids_T), batch.layout.max_length
    spare = full(count) - count
    if not spare:
        return batch
    lengths = [min(longest, spare - start) for start in range(0, spare, longest)]
    nothing_S = batch.ids_T.new_zeros(spare)
    ids_T, segments_T, positions_T = (
        torch.cat([part_T, nothing_S]) for part_T in (batch.ids_T, batch.segments_T, batch.positions_T)
    )
    layout = Layout.of([*batch.layout.lengths, *lengths], batch.ids_T.device)
    return TokenBatch(ids_T, segments_T, positions_T, layout)


def repeated(wanted_M: Tensor) -> Tensor:
    """The same tokens, and then the first one again; none where there is none."""
    spare = full(len(wanted_M)) - len(wanted_M)
    return torch.cat([wanted_M, wanted_M[:1].expand(spare)])
