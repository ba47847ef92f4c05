"""Multi-head self-attention within each sequence of a batch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from bertkit.batching.layout import Layout
from bertkit.model.attend import attend
from bertkit.model.positions import Rotation


@dataclass(frozen=True, slots=True)
class View:
    """What attention in one kind of step sees of a batch.

    Attributes:
        layout: where the sequences are.
        window: tokens seen on either side; None for all.
        rotation: turns queries and keys; None where positions are not rotary.
        bias_NLL: added to the scores, for the longest sequence; None where there is none.
        outputs_M: indices of the tokens whose result anyone will read, each of which sees all; None for all.
    """

    layout: Layout
    window: int | None = None
    rotation: Rotation | None = None
    bias_NLL: Tensor | None = None
    outputs_M: Tensor | None = None

    def chosen(self, x_TW: Tensor) -> Tensor:
        """The rows that anyone will read, (M, W), of all."""
        return x_TW if self.outputs_M is None else x_TW[self.outputs_M]


class Attention(nn.Module):
    """Queries, keys and values from one projection; attention within each sequence; an output projection.

    Args:
        qkv: maps (T, W) to (T, (N + 2G)·H), the queries of all heads first, then keys, then values.
        output: maps (T, N·H) to (T, W).
        heads: N.
        groups: G, heads of keys and values.
        dropout: share of attention weights dropped in training.
    """

    def __init__(self, qkv: nn.Module, output: nn.Module, *, heads: int, groups: int, dropout: float) -> None:
        super().__init__()
        self.qkv = qkv
        self.output = output
        self.heads = heads
        self.groups = groups
        self.dropout = dropout

    def forward(self, x_TW: Tensor, view: View) -> Tensor:
        """The attended tokens, (T, W), or those of them that the view chooses, (M, W)."""
        q_TNH, k_TGH, v_TGH = self.project(x_TW, view)
        out_TNH = attend(
            q_TNH,
            k_TGH,
            v_TGH,
            view.layout,
            window=view.window,
            bias_NLL=view.bias_NLL,
            dropout=self.dropout if self.training else 0.0,
        )
        return self.output(view.chosen(out_TNH.flatten(1)))  # type: ignore[no-any-return]

    def project(self, x_TW: Tensor, view: View) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (T, N, H), keys and values (T, G, H), as the kernel takes them: turned where positions are rotary."""
        qkv_TNH = self.qkv(x_TW).unflatten(-1, (self.heads + 2 * self.groups, -1))
        q_TNH, k_TGH, v_TGH = qkv_TNH.split((self.heads, self.groups, self.groups), dim=1)
        if view.rotation is not None:
            q_TNH, k_TGH = view.rotation.turn(q_TNH), view.rotation.turn(k_TGH)
        return q_TNH, k_TGH, v_TGH
