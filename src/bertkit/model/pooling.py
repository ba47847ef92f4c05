"""One row a sequence from one row a token.

Shapes: `T` packed tokens, `B` sequences, `W` width, `P` poolings that are put side by side.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bertkit.batching.layout import Layout
from bertkit.config.pooling import Pooling, finish_pooling, parts_of, position_sum


def pool_tokens(hidden_TW: Tensor, layout: Layout, poolings: Sequence[Pooling], skip: int = 0) -> Tensor:
    """One vector a sequence, (B, P·W) float32: its poolings side by side.

    Args:
        skip: as of `Layout.reduce`.
    """
    parts = {part: layout.reduce(hidden_TW, part, skip) for part in parts_of(poolings)}
    length_B1 = layout.lengths_B[:, None].float()
    skipped_B1 = layout.skipped_B(skip)[:, None].float()
    weight_B1 = position_sum(length_B1) - position_sum(skipped_B1)
    return torch.cat([finish_pooling(one, parts, length_B1 - skipped_B1, weight_B1) for one in poolings], dim=1)


def mean_tokens(hidden_TW: Tensor, layout: Layout) -> Tensor:
    """The mean of each sequence's tokens, (B, W), in the precision of the tokens."""
    return pool_tokens(hidden_TW, layout, ("mean",)).to(hidden_TW.dtype)


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
