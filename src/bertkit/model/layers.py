"""A layer: attention, then the feed-forward part, each added to its input. Two kinds, by where the norms are.

Shapes: `T` tokens, `W` width, `M` tokens that the view chooses, where that is not all of them.
"""

from __future__ import annotations

from torch import Tensor, nn

from bertkit.model.attention import Attention, View


class Layer(nn.Module):
    """The parts of a layer; what comes first is for the two kinds to say.

    `forward` is attention, which looks at other tokens, and `after` it all that looks at one token at a time.
    """

    def __init__(
        self, attention: Attention, attention_norm: nn.Module, mlp: nn.Module, mlp_norm: nn.Module, dropout: nn.Module
    ) -> None:
        super().__init__()
        self.attention = attention
        self.attention_norm = attention_norm
        self.mlp = mlp
        self.mlp_norm = mlp_norm
        self.dropout = dropout


class PostNormLayer(Layer):
    """Each part's output is added to its input, then normalised (Vaswani et al. 2017)."""

    def forward(self, x_TW: Tensor, view: View) -> Tensor:
        """The tokens after this layer, (T, W) or (M, W)."""
        attended_TW = self.attention(x_TW, view)
        return self.after(view.chosen(x_TW), attended_TW)

    def after(self, x_TW: Tensor, attended_TW: Tensor) -> Tensor:
        """What follows attention, (T, W)."""
        x_TW = self.attention_norm(x_TW + self.dropout(attended_TW))
        return self.mlp_norm(x_TW + self.dropout(self.mlp(x_TW)))  # type: ignore[no-any-return]


class PreNormLayer(Layer):
    """Each part reads its input normalised, and its output is added to the input as it was (Xiong et al. 2020)."""

    def forward(self, x_TW: Tensor, view: View) -> Tensor:
        """The tokens after this layer, (T, W) or (M, W)."""
        attended_TW = self.attention(self.attention_norm(x_TW), view)
        return self.after(view.chosen(x_TW), attended_TW)

    def after(self, x_TW: Tensor, attended_TW: Tensor) -> Tensor:
        """What follows attention, (T, W)."""
        x_TW = x_TW + self.dropout(attended_TW)
        return x_TW + self.dropout(self.mlp(self.mlp_norm(x_TW)))  # type: ignore[no-any-return]
