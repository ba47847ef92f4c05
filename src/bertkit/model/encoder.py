"""The encoder: one class for every family. What varies is which parts are handed in.

Read it from the bottom: `build_encoder` is the parts list of a BERT.
Shapes: `T` packed tokens, `B` sequences, `W` width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bertkit.batching.token_batch import Layout, TokenBatch
from bertkit.config.encoder import EncoderConfig
from bertkit.model.attention import Attention
from bertkit.model.embeddings import Embeddings
from bertkit.model.mlp import MLP


class Layer(nn.Module):
    """Attention, then the feed-forward part, each added to its input and normalised after (post-norm)."""

    def __init__(
        self, attention: Attention, attention_norm: nn.Module, mlp: MLP, mlp_norm: nn.Module, dropout: nn.Module
    ) -> None:
        super().__init__()
        self.attention = attention
        self.attention_norm = attention_norm
        self.mlp = mlp
        self.mlp_norm = mlp_norm
        self.dropout = dropout

    def forward(self, x_TW: Tensor, layout: Layout) -> Tensor:
        """The tokens after this layer, (T, W)."""
        x_TW = self.attention_norm(x_TW + self.dropout(self.attention(x_TW, layout)))
        return self.mlp_norm(x_TW + self.dropout(self.mlp(x_TW)))  # type: ignore[no-any-return]


class Pooler(nn.Module):
    """One vector a sequence: its first token, through a dense layer and tanh (Devlin et al. 2018)."""

    def __init__(self, dense: nn.Module) -> None:
        super().__init__()
        self.dense = dense

    def forward(self, hidden_TW: Tensor, layout: Layout) -> Tensor:
        """The pooled sequences, (B, W)."""
        return torch.tanh(self.dense(hidden_TW[layout.first_B]))


class Encoder(nn.Module):
    """Packed tokens in, one vector a token out.

    Args:
        layers: the layers that have weights of their own; `config.layer_of_step` says which one each step uses.
        pooler: None where the checkpoint has none.
    """

    def __init__(
        self,
        config: EncoderConfig,
        embeddings: Embeddings,
        layers: list[Layer],
        pooler: Pooler | None,
    ) -> None:
        super().__init__()
        self.config = config
        self.embeddings = embeddings
        self.layers = nn.ModuleList(layers)
        self.pooler = pooler

    def forward(self, batch: TokenBatch) -> Tensor:
        """Hidden states of the last layer, (T, W)."""
        x_TW = self.embeddings(batch)
        for step in self.config.layer_of_step:
            x_TW = self.layers[step](x_TW, batch.layout)
        return x_TW  # type: ignore[no-any-return]


def build_encoder(config: EncoderConfig) -> Encoder:
    """An encoder whose weights are yet to be loaded or initialised; on torch's `meta` device it takes no memory.

    Parameters are float32 whatever the default dtype.
    """
    width, dropout = config.width, nn.Dropout(config.hidden_dropout)

    def linear(inputs: int, outputs: int) -> nn.Linear:
        return nn.Linear(inputs, outputs, dtype=torch.float32)

    def norm() -> nn.LayerNorm:
        return nn.LayerNorm(width, eps=config.norm_eps, dtype=torch.float32)

    def table(rows: int) -> nn.Embedding:
        # Not `nn.Embedding(rows, width)`: on the meta device its random numbers cost the import of torch's compiler.
        return nn.Embedding(rows, width, _weight=torch.zeros(rows, width, dtype=torch.float32))

    def layer() -> Layer:
        return Layer(
            attention=Attention(
                qkv=linear(width, 3 * width),
                output=linear(width, width),
                heads=config.heads,
                dropout=config.attention_dropout,
            ),
            attention_norm=norm(),
            mlp=MLP(
                up=linear(width, config.ffn_width), down=linear(config.ffn_width, width), activation=config.activation
            ),
            mlp_norm=norm(),
            dropout=dropout,
        )

    return Encoder(
        config,
        embeddings=Embeddings(
            token=table(config.vocab_size),
            position=table(config.positions.length),
            segment=table(config.segment_types),
            norm=norm(),
            dropout=dropout,
        ),
        layers=[layer() for _ in range(config.layers)],
        pooler=Pooler(linear(width, width)) if config.pooler else None,
    )
