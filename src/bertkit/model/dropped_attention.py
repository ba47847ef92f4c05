"""Attention with dropout on a CPU, forward and backward by hand.

torch's kernel for CPUs has no dropout, so that its general path is taken: for each run of sequences of one length some
forty small operations, which autograd records one by one. By hand they are about twenty, random numbers are drawn once
for all of them, and neighbours of nearly one length are taken together, padded here and nowhere else. The slow twin is
the definition, in the tests.

Shapes: `T` packed tokens, `P` of them with the padding, `N` heads, `H` width of one head; of a block `B` sequences, `L`
tokens of the longest, `C` = B · N.
"""

from __future__ import annotations

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
        rows: where their tokens are among the P.
        unseen_B11L: true where there is only padding; None where there is none.
    """

    rows: slice
    count: int
    length: int
    unseen_B11L: Tensor | None

    def matrices(self, x_PNH: Tensor) -> Tensor:
        """The tokens, a matrix for each sequence and head, (C, L, H), in the precision of its products."""
        block_BNLH = self._view(x_PNH).to(precision(self.length, x_PNH.dtype), memory_format=torch.contiguous_format)
        return block_BNLH.flatten(0, 1)

    def put(self, matrices_CLH: Tensor, x_PNH: Tensor) -> None:
        """The opposite: writes the tokens to where they are in `x_PNH`."""
        block_BNLH = self._view(x_PNH)
        block_BNLH.copy_(matrices_CLH.view(block_BNLH.shape))

    def _view(self, x_PNH: Tensor) -> Tensor:
        return x_PNH[self.rows].view(self.count, self.length, *x_PNH.shape[1:]).transpose(1, 2)


@dataclass(frozen=True, slots=True)
class Blocks:
    """A batch in blocks, one after the other.

    Attributes:
        rows: P, of all blocks.
        places_T: of each token among them; None where nothing is padded.
    """

    each: tuple[Block, ...]
    rows: int
    places_T: Tensor | None

    def padded(self, x_TNH: Tensor) -> Tensor:
        """The tokens in their places, (P, N, H), and zeros elsewhere."""
        if self.places_T is None:
            return x_TNH
        return x_TNH.new_zeros(self.rows, *x_TNH.shape[1:]).index_copy_(0, self.places_T, x_TNH)

    def packed(self, x_PNH: Tensor) -> Tensor:
        """The opposite, (T, N, H)."""
        return x_PNH if self.places_T is None else x_PNH.index_select(0, self.places_T)


def precision(length: int, given: torch.dtype) -> torch.dtype:
    """What products of sequences of this length are computed in, where that is what goes into them."""
    return torch.promote_types(given, torch.float32) if length <= SHORT else given


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
        sizes = [block.count * heads * block.length**2 for block in blocks.each]
        drawn = kept((sum(sizes),), dropout, precision(layout.max_length, q_TNH.dtype))
        keeps = drawn.split(sizes)  # type: ignore[no-untyped-call]
        precise = torch.promote_types(q_TNH.dtype, torch.float32)
        inputs = [blocks.padded(x_TNH) for x_TNH in (q_TNH, k_TNH, v_TNH)]
        out_PNH = q_TNH.new_empty(blocks.rows, heads, width)
        saved: list[Tensor] = []
        for block, keep in zip(blocks.each, keeps, strict=True):
            q_CLH, k_CLH, v_CLH = map(block.matrices, inputs)
            scores_CLL = torch.baddbmm(_nothing(q_CLH), q_CLH, k_CLH.mT, beta=0, alpha=width**-0.5)
            if block.unseen_B11L is not None:
                scores_CLL.view(block.count, heads, *scores_CLL.shape[1:]).masked_fill_(block.unseen_B11L, -torch.inf)
            weights_CLL = torch.softmax(scores_CLL, -1, dtype=precise).to(q_CLH.dtype)
            keep_CLL = keep.view(weights_CLL.shape).to(q_CLH.dtype)
            block.put(torch.bmm(weights_CLL * keep_CLL, v_CLH), out_PNH)
            saved += [q_CLH, k_CLH, v_CLH, weights_CLL, keep_CLL]
        ctx.save_for_backward(*saved)
        ctx.blocks = blocks
        return blocks.packed(out_PNH)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_TNH: Tensor) -> tuple[Tensor | None, ...]:
        blocks: Blocks = ctx.blocks
        grad_PNH = blocks.padded(grad_TNH)
        grad_q, grad_k, grad_v = (torch.empty_like(grad_PNH, memory_format=torch.contiguous_format) for _ in range(3))
        saved = iter(ctx.saved_tensors)
        scale = grad_TNH.shape[2] ** -0.5
        for block, q_CLH, k_CLH, v_CLH, weights_CLL, keep_CLL in zip(blocks.each, *[saved] * 5, strict=True):
            grad_CLH = block.matrices(grad_PNH)
            grad_weights_CLL = torch.bmm(grad_CLH, v_CLH.mT).mul_(keep_CLL)
            grad_scores_CLL = torch._softmax_backward_data(grad_weights_CLL, weights_CLL, -1, weights_CLL.dtype)
            nothing = _nothing(q_CLH)
            block.put(torch.baddbmm(nothing, grad_scores_CLL, k_CLH, beta=0, alpha=scale), grad_q)
            block.put(torch.baddbmm(nothing, grad_scores_CLL.mT, q_CLH, beta=0, alpha=scale), grad_k)
            block.put(torch.bmm((weights_CLL * keep_CLL).mT, grad_CLH), grad_v)
        return *map(blocks.packed, (grad_q, grad_k, grad_v)), None, None


@lru_cache(maxsize=16)  # every layer of a pass asks for the same
def divide(lengths: tuple[int, ...]) -> Blocks:
    """Neighbours together for as long as the padding is worth it."""
    blocks: list[Block] = []
    seen: list[Tensor] = []
    first, start = 0, 0
    while first < len(lengths):
        last, longest, tokens = first + 1, lengths[first], lengths[first]
        while last < len(lengths):
            longer = max(longest, lengths[last])
            padded = longer * (last + 1 - first) > tokens + lengths[last]
            if padded and (last + 1 - first) * longer**2 > SMALL:
                break
            last, longest, tokens = last + 1, longer, tokens + lengths[last]
        seen_BL = torch.arange(longest) < torch.tensor(lengths[first:last])[:, None]
        whole = tokens == seen_BL.numel()
        span = slice(start, start + seen_BL.numel())
        blocks.append(Block(span, last - first, longest, None if whole else ~seen_BL[:, None, None]))
        seen.append(seen_BL.flatten())
        first, start = last, span.stop
    places_T = None if start == sum(lengths) else torch.cat(seen).nonzero()[:, 0]
    return Blocks(tuple(blocks), start, places_T)


def _nothing(like: Tensor) -> Tensor:
    """What a product is not added to."""
    return like.new_empty(())
