"""Attention with dropout on a CPU, forward and backward by hand.

What is computed is the paper's (Vaswani et al. 2017, 3.2.1 and 5.4), for each sequence and head, `∘` entry by entry:

    S = Q Kᵀ / √H        A = softmax(S), row by row        O = (A ∘ D) V

D is drawn anew each time: 0 where a weight is dropped, 1 / (1 - p) elsewhere, so that the mean stays. With `dX` for the
gradient of X, the chain rule gives, from last to first,

    dV = (A ∘ D)ᵀ dO     dA = (dO Vᵀ) ∘ D     dS = A ∘ (dA - sum of each row of dA ∘ A)
    dQ = dS K / √H       dK = dSᵀ Q / √H

Why by hand: torch's fast kernel for CPUs has no dropout, so that its general path is taken: for each run of sequences
of one length some forty small operations, which autograd records one by one. On short texts these cost more than the
products. Here they are about twenty, random numbers are drawn once for all of them, and neighbours of nearly one length
are taken together, padded here and nowhere else. The slow twin is the definition, in the tests.

Shapes: `T` packed tokens, `N` heads, `H` width of one head; of a block `B` sequences, `L` tokens of the longest,
`C` = B · N matrices; `R` rows of the matrices of all blocks, `P` of them padding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bertkit.batching.layout import PackedLayout
from bertkit.config.kernels import widens_short
from bertkit.model.dropout import kept

# Sequences of several lengths are taken together while the block is so small that to start its operations costs more
# than to compute padding does: entries of one head's matrices of weights, B · L · L.
SMALL = 6_000


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring sequences, as matrices of one size: of each sequence one for each head.

    Attributes:
        rows: of its matrices, among the R.
        unseen_C1L: what is added to the scores, -inf where there is only padding; None where there is none.
    """

    rows: slice
    count: int
    length: int
    unseen_C1L: Tensor | None

    def matrices(self, x_RH: Tensor) -> Tensor:
        """(C, L, H), in the precision of its products."""
        x_CLH = x_RH[self.rows].view(-1, self.length, x_RH.shape[1])
        return x_CLH.to(precision(self.length, x_RH.dtype))

    def put(self, matrices_CLH: Tensor, x_RH: Tensor) -> None:
        """The opposite: writes the matrices to where they are in `x_RH`."""
        x_RH[self.rows].view(matrices_CLH.shape).copy_(matrices_CLH)


@dataclass(frozen=True, slots=True)
class Blocks:
    """A batch in blocks, the rows of their matrices one after the other.

    The tokens go there and back in one gather each: products want the rows of one head of one sequence together, and
    packed tokens have those of all heads side by side. The same gather puts in the padding, at no cost of its own.

    Attributes:
        taken_R: which head of which token a row is, as token · N + head; any where there is only padding.
        padding_P: which rows are padding.
        places_TN: of each head of each token, its row: the opposite.
    """

    each: tuple[Block, ...]
    taken_R: Tensor
    padding_P: Tensor
    places_TN: Tensor

    def rows(self, x_TNH: Tensor) -> Tensor:
        """The tokens as rows of the matrices, (R, H), and zeros between them."""
        x_RH = x_TNH.reshape(-1, x_TNH.shape[2]).index_select(0, self.taken_R)
        # Zeros matter in the backward pass: a padded row of dO would add to the keys' and the values' gradients.
        return x_RH.index_fill_(0, self.padding_P, 0.0) if len(self.padding_P) else x_RH

    def tokens(self, x_RH: Tensor) -> Tensor:
        """The opposite, (T, N, H)."""
        return x_RH.index_select(0, self.places_TN.flatten()).view(*self.places_TN.shape, -1)


def precision(length: int, given: torch.dtype) -> torch.dtype:
    """What products of sequences of this length are computed in, where that is what goes into them.

    Never in half precision where they are short: see `widens_short`.
    """
    return torch.promote_types(given, torch.float32) if widens_short(length) else given


def dropped_attention(q_TNH: Tensor, k_TNH: Tensor, v_TNH: Tensor, layout: PackedLayout, dropout: float) -> Tensor:
    """Attention of every token to all of its own sequence, each weight dropped with this probability, (T, N, H).

    The softmax is computed in float32 at least, products of long sequences in the precision of what is given.
    """
    # The precisions are chosen below, one by one; autocast would choose again.
    with torch.autocast("cpu", enabled=False):
        out_TNH: Tensor = _DroppedAttention.apply(q_TNH, k_TNH, v_TNH, layout, dropout)  # type: ignore[no-untyped-call]
    return out_TNH


class _DroppedAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q_TNH: Tensor, k_TNH: Tensor, v_TNH: Tensor, layout: PackedLayout, dropout: float) -> Tensor:
        heads, width = q_TNH.shape[1:]
        blocks = divide(layout.lengths, heads)
        sizes = [block.count * heads * block.length**2 for block in blocks.each]
        # D of all blocks at once: to start drawing costs as much as to draw for a few short sequences.
        drawn = kept((sum(sizes),), dropout, precision(layout.max_length, q_TNH.dtype))
        keeps = drawn.split(sizes)  # type: ignore[no-untyped-call]
        precise = torch.promote_types(q_TNH.dtype, torch.float32)
        inputs = [blocks.rows(x_TNH) for x_TNH in (q_TNH, k_TNH, v_TNH)]
        out_RH = torch.empty_like(inputs[0])  # every block writes all of its rows
        saved: list[Tensor] = []
        for block, keep in zip(blocks.each, keeps, strict=True):
            q_CLH, k_CLH, v_CLH = map(block.matrices, inputs)
            # Padded keys are at -inf, so that no token gives them weight. Padded queries see the tokens like any other:
            # what comes of them is finite, and nobody gathers it.
            scores_CLL = _scaled(q_CLH, k_CLH.mT, width**-0.5, block.unseen_C1L)
            weights_CLL = torch.softmax(scores_CLL, -1, dtype=precise).to(q_CLH.dtype)
            keep_CLL = keep.view(weights_CLL.shape).to(q_CLH.dtype)
            block.put(torch.bmm(weights_CLL * keep_CLL, v_CLH), out_RH)
            # A and D apart: dS needs A also where D is 0. A ∘ D is made again, which is cheaper than to keep it.
            saved += [q_CLH, k_CLH, v_CLH, weights_CLL, keep_CLL]
        ctx.save_for_backward(*saved)
        ctx.blocks = blocks
        return blocks.tokens(out_RH)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_TNH: Tensor) -> tuple[Tensor | None, ...]:
        blocks: Blocks = ctx.blocks
        grad_RH = blocks.rows(grad_TNH)
        grad_q, grad_k, grad_v = (torch.empty_like(grad_RH) for _ in range(3))
        saved = iter(ctx.saved_tensors)
        scale = grad_TNH.shape[2] ** -0.5
        for block, q_CLH, k_CLH, v_CLH, weights_CLL, keep_CLL in zip(blocks.each, *[saved] * 5, strict=True):
            grad_CLH = block.matrices(grad_RH)
            grad_weights_CLL = torch.bmm(grad_CLH, v_CLH.mT).mul_(keep_CLL)
            # The softmax's own gradient, dS, in one pass over the matrices: a row's sum and its entries together.
            grad_scores_CLL = torch._softmax_backward_data(grad_weights_CLL, weights_CLL, -1, weights_CLL.dtype)
            block.put(_scaled(grad_scores_CLL, k_CLH, scale), grad_q)
            block.put(_scaled(grad_scores_CLL.mT, q_CLH, scale), grad_k)
            block.put(torch.bmm((weights_CLL * keep_CLL).mT, grad_CLH), grad_v)
        return *map(blocks.tokens, (grad_q, grad_k, grad_v)), None, None


@lru_cache(maxsize=2)  # every layer of a pass asks for the same
def divide(lengths: tuple[int, ...], heads: int) -> Blocks:
    """Neighbours together for as long as the padding is worth it.

    A block grows by the next sequence where all have one length, which costs nothing, or while it is `SMALL`. Order is
    kept: whoever makes a batch has sorted it, or wants its order.
    """
    blocks: list[Block] = []
    taken: list[Tensor] = []
    real: list[Tensor] = []
    heads_N1 = torch.arange(heads)[:, None]
    starts = [0, *accumulate(lengths)]
    first, row = 0, 0
    while first < len(lengths):
        last, longest, tokens = first + 1, lengths[first], lengths[first]
        while last < len(lengths):
            longer = max(longest, lengths[last])
            padded = longer * (last + 1 - first) > tokens + lengths[last]
            if padded and (last + 1 - first) * longer**2 > SMALL:
                break
            last, longest, tokens = last + 1, longer, tokens + lengths[last]
        # Of each matrix and row: which token it is of, and whether there is one.
        seen_B1L = torch.arange(longest) < torch.tensor(lengths[first:last])[:, None, None]
        token_B1L = (torch.tensor(starts[first:last])[:, None, None] + torch.arange(longest)) * seen_B1L
        taken.append((token_B1L * heads + heads_N1).flatten())
        real.append(seen_B1L.expand(-1, heads, -1).flatten())
        span = slice(row, row + len(taken[-1]))
        unseen_C1L = torch.zeros(len(real[-1])).masked_fill_(~real[-1], -torch.inf).view(-1, 1, longest)
        blocks.append(Block(span, last - first, longest, None if seen_B1L.all() else unseen_C1L))
        first, row = last, span.stop
    taken_R, real_R = torch.cat(taken), torch.cat(real)
    places_TN = taken_R.new_empty(starts[-1], heads)
    places_TN.view(-1)[taken_R[real_R]] = real_R.nonzero()[:, 0]
    return Blocks(tuple(blocks), taken_R, (~real_R).nonzero()[:, 0], places_TN)


def _scaled(a: Tensor, b: Tensor, scale: float, added: Tensor | None = None) -> Tensor:
    """`scale` · a b, and what is added to that: one operation of torch's where written out they are three."""
    if added is None:
        return torch.baddbmm(a.new_empty(()), a, b, beta=0, alpha=scale)
    return torch.baddbmm(added.to(a.dtype), a, b, alpha=scale)
