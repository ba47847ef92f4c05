"""Attention with dropout on a CPU, forward and backward by hand.

torch's kernel for CPUs has no dropout, so that its general path is taken: for each run of sequences of one length some
forty small operations, which autograd records one by one. By hand they are about twenty, random numbers are drawn once
for all of them, and neighbours of nearly one length are taken together, padded here and nowhere else. The slow twin is
the definition, in the tests.

Shapes: `T` packed tokens, `N` heads, `H` width of one head; of a block `B` sequences, `L` tokens of the longest, `D`
tokens of all, `C` = B · N.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bertkit.batching.token_batch import Layout
from bertkit.model.dropout import kept

# Sequences of several lengths are taken together while the block is so small that its operations' own cost counts more
# than their work: entries of its matrices of weights, B · L · L.
SMALL = 6_000

# Matrices of sequences up to this length are multiplied in float32 at least. oneDNN compiles products of half precision
# for each number and length of sequences, which takes longer than such a product.
SHORT = 64


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring sequences, as matrices of one size.

    Attributes:
        tokens: where they are.
        places_D: of each token among the B · L of the block; None where nothing is padded.
        unseen_B11L: true where there is only padding; None where there is none.
    """

    tokens: slice
    count: int
    length: int
    places_D: Tensor | None
    unseen_B11L: Tensor | None

    def precision(self, given: torch.dtype) -> torch.dtype:
        """What products are computed in, where that is what goes into them."""
        return torch.promote_types(given, torch.float32) if self.length <= SHORT else given

    def rows(self, x_TNH: Tensor) -> Tensor:
        """The tokens, a matrix for each sequence and head, (C, L, H), in `precision`; padding is zeros."""
        x_DNH = x_TNH[self.tokens]
        heads, width = x_DNH.shape[1:]
        if self.places_D is not None:
            padded = x_DNH.new_zeros(self.count * self.length, heads, width)
            x_DNH = padded.index_copy_(0, self.places_D, x_DNH)
        block = x_DNH.view(self.count, self.length, heads, width).transpose(1, 2)
        block = block.to(self.precision(x_TNH.dtype), memory_format=torch.contiguous_format)
        return block.reshape(self.count * heads, self.length, width)

    def put(self, rows_CLH: Tensor, x_TNH: Tensor) -> None:
        """The opposite: writes the tokens' rows to where they are in `x_TNH`."""
        heads, width = x_TNH.shape[1:]
        block = rows_CLH.view(self.count, heads, self.length, width).transpose(1, 2)
        if self.places_D is not None:
            block = block.to(x_TNH.dtype, memory_format=torch.contiguous_format)
            torch.index_select(block.reshape(-1, heads, width), 0, self.places_D, out=x_TNH[self.tokens])
        else:
            x_TNH[self.tokens].view(block.shape).copy_(block)


def dropped_attention(q_TNH: Tensor, k_TNH: Tensor, v_TNH: Tensor, layout: Layout, dropout: float) -> Tensor:
    """Attention of every token to all of its own sequence, each weight dropped with this probability, (T, N, H).

    The softmax is computed in float32 at least, products of long sequences in the precision of what is given.
    """
    with torch.autocast("cpu", enabled=False):
        out_TNH: Tensor = _DroppedAttention.apply(q_TNH, k_TNH, v_TNH, layout, dropout)  # type: ignore[no-untyped-call]
    return out_TNH


class _DroppedAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q_TNH: Tensor, k_TNH: Tensor, v_TNH: Tensor, layout: Layout, dropout: float) -> Tensor:
        blocks = divide(layout.lengths)
        heads, width = q_TNH.shape[1:]
        sizes = [block.count * heads * block.length**2 for block in blocks]
        keeps = kept((sum(sizes),), dropout, q_TNH.dtype).split(sizes)  # type: ignore[no-untyped-call]
        precise = torch.promote_types(q_TNH.dtype, torch.float32)
        out_TNH = torch.empty_like(q_TNH, memory_format=torch.contiguous_format)
        saved: list[Tensor] = []
        for block, keep in zip(blocks, keeps, strict=True):
            q_CLH, k_CLH, v_CLH = (block.rows(x) for x in (q_TNH, k_TNH, v_TNH))
            scores_CLL = torch.baddbmm(_nothing(q_CLH), q_CLH, k_CLH.mT, beta=0, alpha=width**-0.5)
            if block.unseen_B11L is not None:
                scores_CLL.view(block.count, heads, *scores_CLL.shape[1:]).masked_fill_(block.unseen_B11L, -torch.inf)
            weights_CLL = torch.softmax(scores_CLL, -1, dtype=precise).to(q_CLH.dtype)
            keep_CLL = keep.view(weights_CLL.shape).to(q_CLH.dtype)
            block.put(torch.bmm(weights_CLL * keep_CLL, v_CLH), out_TNH)
            saved += [q_CLH, k_CLH, v_CLH, weights_CLL, keep_CLL]
        ctx.save_for_backward(*saved)
        ctx.blocks = blocks
        return out_TNH

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_TNH: Tensor) -> tuple[Tensor | None, ...]:
        grad_q, grad_k, grad_v = (torch.empty_like(grad_TNH, memory_format=torch.contiguous_format) for _ in range(3))
        saved = iter(ctx.saved_tensors)
        scale = grad_TNH.shape[2] ** -0.5
        for block, q_CLH, k_CLH, v_CLH, weights_CLL, keep_CLL in zip(ctx.blocks, *[saved] * 5, strict=True):
            grad_CLH = block.rows(grad_TNH)
            grad_weights_CLL = torch.bmm(grad_CLH, v_CLH.mT).mul_(keep_CLL)
            grad_scores_CLL = torch._softmax_backward_data(grad_weights_CLL, weights_CLL, -1, weights_CLL.dtype)
            nothing = _nothing(q_CLH)
            block.put(torch.baddbmm(nothing, grad_scores_CLL, k_CLH, beta=0, alpha=scale), grad_q)
            block.put(torch.baddbmm(nothing, grad_scores_CLL.mT, q_CLH, beta=0, alpha=scale), grad_k)
            block.put(torch.bmm((weights_CLL * keep_CLL).mT, grad_CLH), grad_v)
        return grad_q, grad_k, grad_v, None, None


@lru_cache(maxsize=16)  # every layer of a pass asks for the same
def divide(lengths: tuple[int, ...]) -> tuple[Block, ...]:
    """Neighbours together for as long as the padding is worth it."""
    return tuple(_blocks(lengths))


def _blocks(lengths: tuple[int, ...]) -> Iterator[Block]:
    first, start = 0, 0
    while first < len(lengths):
        last, longest, tokens = first + 1, lengths[first], lengths[first]
        while last < len(lengths):
            longer = max(longest, lengths[last])
            padded = longer * (last + 1 - first) > tokens + lengths[last]
            if padded and (last + 1 - first) * longer**2 > SMALL:
                break
            last, longest, tokens = last + 1, longer, tokens + lengths[last]
        lengths_B = torch.tensor(lengths[first:last])
        span = slice(start, start + tokens)
        if tokens == longest * (last - first):
            yield Block(span, last - first, longest, None, None)
        else:
            seen_BL = torch.arange(longest) < lengths_B[:, None]
            yield Block(span, last - first, longest, seen_BL.flatten().nonzero()[:, 0], ~seen_BL[:, None, None])
        first, start = last, span.stop


def _nothing(like: Tensor) -> Tensor:
    """What a product is not added to."""
    return like.new_empty(())
