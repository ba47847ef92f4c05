"""One row a sequence from one row a token.

Shapes: `T` packed tokens, `B` sequences, `W` width.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from bertkit.batching.token_batch import Layout


def reduce_tokens(hidden_TW: Tensor, layout: Layout, how: Literal["sum", "amax"]) -> Tensor:
    """Each sequence's tokens reduced to one row, (B, W) float32, a run of equal lengths at a time."""
    reduce = torch.sum if how == "sum" else torch.amax
    blocks = [reduce(hidden_TW[run.tokens].view(run.count, run.length, -1).float(), dim=1) for run in layout.runs()]
    return torch.cat(blocks)


def mean_tokens(hidden_TW: Tensor, layout: Layout) -> Tensor:
    """The mean of each sequence's tokens, (B, W), in the precision of the tokens."""
    lengths_B1 = layout.cu_lengths_B1.diff()[:, None]
    return (reduce_tokens(hidden_TW, layout, "sum") / lengths_B1).to(hidden_TW.dtype)
