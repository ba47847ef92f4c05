"""The one door to attention kernels: softmax(q kᵀ / √H) v within each sequence of a packed batch.

Shapes: `T` packed tokens, `N` heads, `H` width of one head. No other file knows a kernel.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bertkit.batching.token_batch import Layout


def attend(q_TNH: Tensor, k_TNH: Tensor, v_TNH: Tensor, layout: Layout, dropout: float = 0.0) -> Tensor:
    """Attention of every token to all tokens of its own sequence (Vaswani et al. 2017), (T, N, H).

    Args:
        dropout: share of attention weights set to zero; 0 when not training.
    """
    half = q_TNH.dtype in (torch.float16, torch.bfloat16)
    if q_TNH.is_cuda and half and dropout == 0.0:  # the kernel has no float32 and no dropout
        return _attend_varlen(q_TNH, k_TNH, v_TNH, layout)
    return _attend_by_length(q_TNH, k_TNH, v_TNH, layout, dropout)


def _attend_varlen(q_TNH: Tensor, k_TNH: Tensor, v_TNH: Tensor, layout: Layout) -> Tensor:
    """One variable-length flash kernel for the whole batch (CUDA, half precision)."""
    from torch.nn.attention.varlen import varlen_attn  # registers CUDA operators

    cu, longest = layout.cu_lengths_B1, layout.max_length
    out_TNH = varlen_attn(q_TNH, k_TNH, v_TNH, cu, cu, longest, longest)
    assert isinstance(out_TNH, Tensor)
    return out_TNH


def _attend_by_length(q_TNH: Tensor, k_TNH: Tensor, v_TNH: Tensor, layout: Layout, dropout: float) -> Tensor:
    """One dense kernel for each run of sequences of equal length, on views: nothing is copied, nothing padded."""
    blocks = []
    for run in layout.runs():
        q, k, v = (
            x_TNH[run.tokens].view(run.count, run.length, *x_TNH.shape[1:]).transpose(1, 2)
            for x_TNH in (q_TNH, k_TNH, v_TNH)
        )
        out = functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout)  # (count, N, length, H)
        blocks.append(out.transpose(1, 2).flatten(0, 1))
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks)


def attend_reference(q_TNH: Tensor, k_TNH: Tensor, v_TNH: Tensor, layout: Layout) -> Tensor:
    """The slow twin: float64, one sequence and one matrix product at a time, as the definition reads."""
    out_TNH = torch.empty_like(q_TNH, dtype=torch.float64)
    start = 0
    for length in layout.lengths:
        q, k, v = (x_TNH[start : start + length].double().transpose(0, 1) for x_TNH in (q_TNH, k_TNH, v_TNH))
        weights = torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, dim=-1)
        out_TNH[start : start + length] = (weights @ v).transpose(0, 1)
        start += length
    return out_TNH
