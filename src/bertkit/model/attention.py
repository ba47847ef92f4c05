"""Multi-head self-attention over packed tokens."""

from __future__ import annotations

from torch import Tensor, nn

from bertkit.batching.token_batch import Layout
from bertkit.model.attend import attend


class Attention(nn.Module):
    """Queries, keys and values from one projection; attention within each sequence; an output projection.

    Args:
        qkv: maps (T, W) to (T, 3·N·H), the queries of all heads first, then keys, then values.
        output: maps (T, N·H) to (T, W).
        heads: N.
        dropout: share of attention weights dropped in training.
    """

    def __init__(self, qkv: nn.Module, output: nn.Module, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.qkv = qkv
        self.output = output
        self.heads = heads
        self.dropout = dropout

    def forward(self, x_TW: Tensor, layout: Layout) -> Tensor:
        """The attended tokens, (T, W)."""
        q_TNH, k_TNH, v_TNH = self.qkv(x_TW).unflatten(-1, (3, self.heads, -1)).unbind(1)
        out_TNH = attend(q_TNH, k_TNH, v_TNH, layout, self.dropout if self.training else 0.0)
        return self.output(out_TNH.flatten(1))  # type: ignore[no-any-return]
