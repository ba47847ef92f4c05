"""Heads: what turns hidden states into predictions. Two classes for every family; what varies is which parts they have.

Shapes: `T` packed tokens, `B` sequences, `R` rows that a head reads (T or B), `M` chosen tokens, `C` classes, `W`
width, `V` vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bertkit.batching.token_batch import Layout
from bertkit.config.encoder import EncoderConfig, HeadActivation
from bertkit.families.contract import HeadShape, Reads
from bertkit.model.encoder import Encoder
from bertkit.model.mlp import ACTIVATIONS
from bertkit.model.pooling import mean_tokens


class Head(nn.Module):
    """Rows of hidden states to a few numbers each: `classifier(dropout(norm(activation(dense(x)))))`.

    Args:
        reads: which rows: every token, each sequence's first token or its mean, or the encoder's pooler.
        dense, norm: Identity where the head has none.
        activation: None where there is no dense layer.
    """

    def __init__(
        self,
        reads: Reads,
        dense: nn.Module,
        activation: HeadActivation | None,
        norm: nn.Module,
        dropout: nn.Module,
        classifier: nn.Module,
    ) -> None:
        super().__init__()
        self.reads = reads
        self.dense = dense
        self.activation = activation
        self.norm = norm
        self.dropout = dropout
        self.classifier = classifier

    def forward(self, hidden_TW: Tensor, layout: Layout, encoder: Encoder) -> Tensor:
        """Logits, (T, C) where the head reads tokens, else (B, C)."""
        x_RW = self.dense(_read(self.reads, hidden_TW, layout, encoder))
        if self.activation is not None:
            x_RW = ACTIVATIONS[self.activation](x_RW)
        return self.classifier(self.dropout(self.norm(x_RW)))  # type: ignore[no-any-return]


class MaskedLMHead(nn.Module):
    """Scores of every token of the vocabulary, for tokens chosen by the caller (Devlin et al. 2018).

    The decoder's matrix is the encoder's token table, handed in at each call: it is one tensor, kept in one place.
    """

    def __init__(self, dense: nn.Module, activation: HeadActivation, norm: nn.Module, vocab_size: int) -> None:
        super().__init__()
        self.dense = dense
        self.activation = activation
        self.norm = norm
        self.bias = nn.Parameter(torch.zeros(vocab_size, dtype=torch.float32))

    def forward(self, hidden_MW: Tensor, encoder: Encoder) -> Tensor:
        """Logits over the vocabulary, (M, V)."""
        x_MW = self.norm(ACTIVATIONS[self.activation](self.dense(hidden_MW)))
        return functional.linear(x_MW, encoder.embeddings.token.weight, self.bias)


def build_head(shape: HeadShape, config: EncoderConfig, classes: int, reads: Reads | None = None) -> Head:
    """A head of this shape whose weights are yet to be loaded or initialised.

    Args:
        classes: C, the numbers that it gives for each row.
        reads: instead of what the shape says.
    """
    has_dense = shape.has("dense.weight")
    return Head(
        reads=reads or shape.reads,
        dense=_dense(shape, config) if has_dense else nn.Identity(),
        activation=(shape.activation or config.activation) if has_dense else None,
        norm=_norm(shape, config) if shape.has("norm.weight") else nn.Identity(),
        dropout=nn.Dropout(config.hidden_dropout),
        classifier=nn.Linear(config.width, classes, bias=shape.has("classifier.bias"), dtype=torch.float32),
    )


def build_masked_lm_head(shape: HeadShape, config: EncoderConfig) -> MaskedLMHead:
    """A masked-language-model head of this shape whose weights are yet to be loaded or initialised."""
    activation = shape.activation or config.activation
    return MaskedLMHead(_dense(shape, config), activation, _norm(shape, config), config.vocab_size)


def _dense(shape: HeadShape, config: EncoderConfig) -> nn.Linear:
    return nn.Linear(config.width, config.width, bias=shape.has("dense.bias"), dtype=torch.float32)


def _norm(shape: HeadShape, config: EncoderConfig) -> nn.LayerNorm:
    return nn.LayerNorm(config.width, eps=config.norm_eps, bias=shape.has("norm.bias"), dtype=torch.float32)


def _read(reads: Reads, hidden_TW: Tensor, layout: Layout, encoder: Encoder) -> Tensor:
    if reads == "first":
        return hidden_TW[layout.first_B]
    if reads == "mean":
        return mean_tokens(hidden_TW, layout)
    if reads == "pooler":
        assert encoder.pooler is not None, "a head that reads the pooler is offered only where there is one"
        pooled_BW: Tensor = encoder.pooler(hidden_TW, layout)
        return pooled_BW
    return hidden_TW
