"""The one door to attention kernels: softmax(q kᵀ / √H + bias) v within each sequence of a batch.

Shapes: `T` tokens, `N` heads, `G` heads of keys and values, `H` width of one head, `L` tokens of one sequence, or of a
row that is filled up with padding; `B` sequences.
No other file knows a kernel.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bertkit.batching.layout import Layout, PackedLayout, PaddedLayout
from bertkit.config.kernels import attention_kernel, takes_chunks
from bertkit.model.device import is_half, processor
from bertkit.model.dropped_attention import dropped_attention
from bertkit.model.fixed_rows import rows_are_fixed

# Added to the scores of keys that rows of padding must not see: e to its power is 0 in every precision, and runtimes
# that compute in float16 can hold it, and twice it.
UNSEEN = -3e4
# torch's kernel on CPUs looks for the largest of so many scores at once; of fewer keys it gives zeros for a query that
# is NaN or infinite. In half precision its quick exponential makes a number of infinity, of any number of keys.
FEW_KEYS = 16


def attend(
    q_TNH: Tensor,
    k_TGH: Tensor,
    v_TGH: Tensor,
    layout: Layout,
    *,
    window: int | None = None,
    bias_NLL: Tensor | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Attention of every token to the tokens of its own sequence (Vaswani et al. 2017), (T, N, H).

    Rows of padding, where there are any, are finite numbers that mean nothing.

    Args:
        window: how many tokens on either side are seen; None for all.
        bias_NLL: added to the scores, for the longest sequence; shorter ones take its upper left corner.
        dropout: share of attention weights set to zero; 0 when not training.
    """
    if isinstance(layout, PaddedLayout):
        return _attend_padded(q_TNH, k_TGH, v_TGH, layout, window, bias_NLL, dropout)
    assert isinstance(layout, PackedLayout)
    kernel = attention_kernel(
        processor(q_TNH.device),
        half=is_half(q_TNH.dtype),
        head_width=q_TNH.shape[-1],
        grouped=q_TNH.shape != k_TGH.shape,
        local=window is not None,
        biased=bias_NLL is not None,
        drops=dropout > 0.0,
        learns=torch.is_grad_enabled() and q_TNH.requires_grad,
    )
    if kernel == "varlen":
        return _attend_varlen(q_TNH, k_TGH, v_TGH, layout, window, dropout)
    if kernel == "dropped":
        return dropped_attention(q_TNH, k_TGH, v_TGH, layout, dropout)
    return _attend_by_length(q_TNH, k_TGH, v_TGH, layout, window, bias_NLL, dropout)


def _attend_varlen(
    q_TNH: Tensor, k_TGH: Tensor, v_TGH: Tensor, layout: PackedLayout, window: int | None, dropout: float
) -> Tensor:
    """One variable-length flash kernel for the whole batch (CUDA, half precision).

    `torch.nn.attention.varlen` is the same kernel without dropout.
    """
    cu, longest = layout.cu_lengths_B1, layout.max_length
    side = -1 if window is None else window
    out_TNH: Tensor = torch.ops.aten._flash_attention_forward(
        *(q_TNH, k_TGH, v_TGH, cu, cu, longest, longest),
        dropout_p=dropout,
        is_causal=False,
        return_debug_mask=False,
        window_size_left=side,
        window_size_right=side,
    )[0]
    return out_TNH


def _attend_by_length(
    q_TNH: Tensor,
    k_TGH: Tensor,
    v_TGH: Tensor,
    layout: PackedLayout,
    window: int | None,
    bias_NLL: Tensor | None,
    dropout: float,
) -> Tensor:
    """One dense kernel for each run of sequences of equal length, on views: nothing is copied, nothing padded."""
    blocks = []
    runs = list(layout.runs())
    if rows_are_fixed() and is_half(q_TNH.dtype):  # the kernel may lay keys out or not by how many sequences there are
        runs = [alone for run in runs for alone in run.each()]
    tokens = [run.count * run.length for run in runs]
    # Split, not sliced run by run: the gradient of a slice is a whole tensor of zeros around it.
    pieces = [x.split(tokens) for x in (q_TNH, k_TGH, v_TGH)]  # type: ignore[no-untyped-call]
    for run, *parts in zip(runs, *pieces, strict=True):
        q, k, v = (part.view(run.count, run.length, *part.shape[1:]).transpose(1, 2) for part in parts)
        if window is not None and takes_chunks(run.length, window, biased=bias_NLL is not None):
            out = _attend_in_chunks(q, k, v, max(window, 1), window, dropout)
        else:
            mask = _mask(run.length, window, bias_NLL, q)
            out = _sound_kernel(q, k, v, mask, dropout)
        blocks.append(out.transpose(1, 2).flatten(0, 1))
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks)


def _attend_padded(
    q_TNH: Tensor,
    k_TGH: Tensor,
    v_TGH: Tensor,
    layout: PaddedLayout,
    window: int | None,
    bias_NLL: Tensor | None,
    dropout: float,
) -> Tensor:
    """One dense kernel for all rows, which sees no padding: what a program of static shapes computes.

    Local attention is masked, not skipped: it costs the whole square. Heads that share keys and values are given
    them, so that runtimes meet one kind of attention only.
    """
    shared = q_TNH.shape[1] // k_TGH.shape[1]
    if shared > 1:
        k_TGH, v_TGH = (x_TGH.repeat_interleave(shared, dim=1) for x_TGH in (k_TGH, v_TGH))
    q, k, v = (x.unflatten(0, layout.mask_BL.shape).transpose(1, 2) for x in (q_TNH, k_TGH, v_TGH))  # type: ignore[no-untyped-call]
    mask = _padded_mask(layout.mask_BL, window, bias_NLL, q)
    return _dense_kernel(q, k, v, mask, dropout).transpose(1, 2).flatten(0, 1)


def _padded_mask(mask_BL: Tensor, window: int | None, bias_NLL: Tensor | None, like: Tensor) -> Tensor:
    """What is added to scores, (B, 1, 1, L), or (B, 1 or N, L, L) where the query counts.

    Finite: a row of padding that sees nothing then weighs all alike, where infinities would make it NaN, and NaN times
    0 is NaN wherever this row is the key that a later layer must not see.
    """
    seen = mask_BL[:, None, None, :]
    if window is not None:
        place = torch.arange(mask_BL.shape[1], device=like.device)
        seen = seen & ((place[:, None] - place[None, :]).abs() <= window)
    if bias_NLL is None:
        return (~seen).to(like.dtype) * UNSEEN
    return bias_NLL.to(like.dtype)[None].masked_fill(~seen, UNSEEN)


def _dense_kernel(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    grouped = bool(q.shape[1] != k.shape[1])  # a tracer has tensors for sizes
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, enable_gqa=grouped)


def _sound_kernel(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    """The dense kernel, which gives NaN wherever a query is not finite."""
    out = _dense_kernel(q, k, v, mask, dropout)
    if q.device.type == "cpu" and (k.shape[-2] < FEW_KEYS or is_half(q.dtype)):
        out = out + (q * 0).sum(-1, keepdim=True)  # 0, or NaN
    return out


def _mask(length: int, window: int | None, bias_NLL: Tensor | None, like: Tensor) -> Tensor | None:
    """What is added to the scores of a sequence of this length; None where nothing is."""
    mask = None if bias_NLL is None else bias_NLL[:, :length, :length].to(like.dtype)
    if window is not None and window < length - 1:
        place = torch.arange(length, device=like.device)
        unseen = (place[:, None] - place[None, :]).abs() > window
        if mask is None:
            return ~unseen
        mask = mask.masked_fill(unseen, float("-inf"))
    return mask


def _attend_in_chunks(q: Tensor, k: Tensor, v: Tensor, chunk: int, window: int, dropout: float) -> Tensor:
    """Local attention at a cost of O(L · window): each chunk of queries sees its own keys and a chunk on either side.

    Args:
        q, k, v: (count, N or G, L, H).
        chunk: queries in one chunk, at least `window`.
    """
    count, length = q.shape[0], q.shape[2]
    chunks = -(-length // chunk)
    rest = chunks * chunk - length
    q = functional.pad(q, (0, 0, 0, rest)).unflatten(2, (chunks, chunk))  # type: ignore[no-untyped-call]
    k, v = (functional.pad(x, (0, 0, chunk, rest + chunk)).unfold(2, 3 * chunk, chunk) for x in (k, v))
    k, v = (x.transpose(3, 4) for x in (k, v))  # (count, G, chunks, 3 · chunk, H)
    q, k, v = (x.transpose(1, 2).flatten(0, 1) for x in (q, k, v))
    queries = torch.arange(chunks * chunk, device=q.device).view(chunks, chunk, 1)
    keys = torch.arange(3 * chunk, device=q.device) - chunk + torch.arange(chunks, device=q.device)[:, None] * chunk
    seen = ((queries - keys[:, None, :]).abs() <= window) & (keys >= 0)[:, None, :] & (keys < length)[:, None, :]
    seen |= queries >= length  # rows of padding see anything: a row that saw nothing would be NaN
    out = _sound_kernel(q, k, v, seen.repeat(count, 1, 1)[:, None], dropout)
    return out.unflatten(0, (count, chunks)).transpose(1, 2).flatten(2, 3)[:, :, :length]  # type: ignore[no-untyped-call, no-any-return]


def attend_reference(
    q_TNH: Tensor,
    k_TGH: Tensor,
    v_TGH: Tensor,
    layout: Layout,
    *,
    window: int | None = None,
    bias_NLL: Tensor | None = None,
) -> Tensor:
    """The slow twin: float64, a sequence and a matrix product at a time, as the definition reads; NaN for padding."""
    out_TNH = torch.full_like(q_TNH, torch.nan, dtype=torch.float64)
    repeats = q_TNH.shape[1] // k_TGH.shape[1]
    k_TNH, v_TNH = (x_TGH.repeat_interleave(repeats, dim=1) for x_TGH in (k_TGH, v_TGH))
    for start, length in zip(layout.starts, layout.lengths, strict=True):
        q, k, v = (x_TNH[start : start + length].double().transpose(0, 1) for x_TNH in (q_TNH, k_TNH, v_TNH))
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
        if bias_NLL is not None:
            scores = scores + bias_NLL[:, :length, :length].double()
        if window is not None:
            place = torch.arange(length, device=q.device)
            scores = scores.masked_fill((place[:, None] - place[None, :]).abs() > window, float("-inf"))
        out_TNH[start : start + length] = (torch.softmax(scores, dim=-1) @ v).transpose(0, 1)
    return out_TNH
