"""One row a sequence from one row a token.

Shapes: `T` packed tokens, `B` sequences, `W` width.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from bertkit.batching.token_batch import Layout

Pooling = Literal["mean", "cls", "max"]


def reduce_tokens(hidden_TW: Tensor, layout: Layout, how: Literal["sum", "amax"]) -> Tensor:
    """Each sequence's tokens reduced to one row, (B, W) float32, a run of equal lengths at a time."""
    reduce = torch.sum if how == "sum" else torch.amax
    blocks = [reduce(hidden_TW[run.tokens].view(run.count, run.length, -1).float(), dim=1) for run in layout.runs()]
    return torch.cat(blocks)


def mean_tokens(hidden_TW: Tensor, layout: Layout) -> Tensor:
    """The mean of each sequence's tokens, (B, W), in the precision of the tokens."""
    lengths_B1 = layout.cu_lengths_B1.diff()[:, None]
    return (reduce_tokens(hidden_TW, layout, "sum") / lengths_B1).to(hidden_TW.dtype)


def pool_tokens(hidden_TW: Tensor, layout: Layout, how: Pooling) -> Tensor:
    """One vector a sequence, (B, W) float32: its first token, or the mean or the largest of all."""
    if how == "cls":
        return hidden_TW[layout.first_B].float()
    if how == "max":
        return reduce_tokens(hidden_TW, layout, "amax")
    return reduce_tokens(hidden_TW, layout, "sum") / layout.cu_lengths_B1.diff()[:, None]


def log_softmax_within(logits_R: Tensor, counts_G: Tensor) -> Tensor:
    """Logarithms of the softmax within each group of neighbouring rows, (R,) float32.

    Args:
        logits_R: of all groups, end to end; more axes may follow, each for itself.
        counts_G: rows of each group, at least one, in all R.
    """
    logits_R = logits_R.float()
    group_R = torch.repeat_interleave(counts_G)
    shifted_R = logits_R - highest_within(logits_R.detach(), counts_G)[group_R]
    sums_G = logits_R.new_zeros(len(counts_G), *logits_R.shape[1:]).index_add(0, group_R, shifted_R.exp())
    return shifted_R - sums_G.log()[group_R]


def highest_within(x_R: Tensor, counts_G: Tensor) -> Tensor:
    """The largest number of each group of neighbouring rows, (G,), any further axis for itself."""
    index = torch.repeat_interleave(counts_G).view(-1, *[1] * (x_R.ndim - 1)).expand_as(x_R)
    lowest_G = x_R.new_full((len(counts_G), *x_R.shape[1:]), -torch.inf)
    return lowest_G.scatter_reduce(0, index, x_R, "amax")
