"""Heads: what turns hidden states into predictions. Two classes for every family; what varies is which parts they have.

Shapes: `T` packed tokens, `B` sequences, `R` rows that a head reads (T or B), `M` chosen tokens, `C` classes, `W`
width, `E` width of the token table, `V` vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from bertkit.batching.layout import Layout
from bertkit.config.encoder import EncoderConfig, HeadActivation
from bertkit.config.readout import MASKED_LM
from bertkit.families.contract import HeadShape, Reads
from bertkit.model.chunked_loss import Criterion, chunked_loss
from bertkit.model.dropout import Dropout
from bertkit.model.fixed_rows import linear
from bertkit.model.int8_table import Int8Table
from bertkit.model.linear import last_weights, make_linear
from bertkit.model.mlp import ACTIVATIONS
from bertkit.model.pooling import mean_tokens

if TYPE_CHECKING:
    from bertkit.model.encoder import Encoder


class Head(nn.Module):
    """Rows of hidden states to a few numbers each: `classifier(dropout(norm(activation(dense(x)))))`.

    Args:
        reads: which rows; see `HeadShape`.
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

    @property
    def classes(self) -> int:
        """C, the numbers that it gives for each row."""
        weight = self.classifier.weight
        assert isinstance(weight, Tensor)
        return weight.shape[0]

    def output_indices(self, layout: Layout) -> Tensor | None:
        """Indices of the tokens that it reads; None for all of them."""
        return layout.first_B if self.reads in ("first", "pooler") else None

    def forward(self, hidden_TW: Tensor, layout: Layout, encoder: Encoder) -> Tensor:
        """Logits, (T, C) where the head reads tokens, else (B, C); float32 also where the rest is half of it."""
        logits_RC: Tensor = self.classifier(self.dropout(self.features(hidden_TW, layout, encoder)))
        return mean_tokens(logits_RC, layout) if self.reads == "late" else logits_RC

    def features(self, hidden_TW: Tensor, layout: Layout, encoder: Encoder) -> Tensor:
        """What the last layer reads, (R, W): rows of tokens where the head reads `tokens` or `late`, else (B, W)."""
        x_RW = self.dense(_read(self.reads, hidden_TW, layout, encoder))
        if self.activation is not None:
            x_RW = ACTIVATIONS[self.activation](x_RW)
        return self.norm(x_RW)  # type: ignore[no-any-return]


class MaskedLMHead(nn.Module):
    """Scores of every token of the vocabulary, for tokens chosen by the caller (Devlin et al. 2018).

    Args:
        dense, norm: Identity where the head has none.
        activation: None where there is no dense layer.
        decoder: None where the matrix is the encoder's token table: one tensor, kept in one place.
        bias: None where the head has none.
    """

    def __init__(
        self,
        dense: nn.Module,
        activation: HeadActivation | None,
        norm: nn.Module,
        decoder: nn.Parameter | None,
        bias: nn.Parameter | None,
    ) -> None:
        super().__init__()
        self.dense = dense
        self.activation = activation
        self.norm = norm
        self.decoder = decoder
        self.bias = bias

    def forward(self, hidden_MW: Tensor, encoder: Encoder) -> Tensor:
        """Logits over the vocabulary, (M, V); float32 also where the rest is half of it."""
        x_ME, table_VE = self.transform(hidden_MW), self.table(encoder)
        dtype = torch.promote_types(x_ME.dtype, torch.float32)
        bias_V = None if self.bias is None else self.bias.to(dtype)
        with torch.autocast(x_ME.device.type, enabled=False):
            return linear(x_ME.to(dtype), table_VE.to(dtype), bias_V)

    def keep_exact(self, encoder: Encoder) -> None:
        """Makes the last layer's weights the head's own, in float32, before the encoder's become less than it."""
        self.decoder = nn.Parameter(self.table(encoder).detach().float(), requires_grad=False)

    def transform(self, hidden_MW: Tensor) -> Tensor:
        """What is multiplied by the table, (M, E)."""
        x_ME = self.dense(hidden_MW)
        if self.activation is not None:
            x_ME = ACTIVATIONS[self.activation](x_ME)
        return self.norm(x_ME)  # type: ignore[no-any-return]

    def table(self, encoder: Encoder) -> Tensor:
        """The rows of the vocabulary, (V, E)."""
        if self.decoder is not None:
            return self.decoder
        token = encoder.embeddings.token
        return token.rows() if isinstance(token, Int8Table) else token.weight

    def loss(self, hidden_MW: Tensor, encoder: Encoder, criterion: Criterion) -> tuple[Tensor, Tensor]:
        """The criterion's loss summed over the rows, and how many are predicted correctly; see `chunked_loss`."""
        return chunked_loss(self.transform(hidden_MW), self.table(encoder), self.bias, criterion)


def build_head(shape: HeadShape, config: EncoderConfig, classes: int, reads: Reads | None = None) -> Head:
    """A head of this shape whose weights are yet to be loaded or initialised.

    Args:
        classes: C, the numbers that it gives for each row.
        reads: instead of what the shape says.
    """
    return Head(
        reads=reads or shape.reads,
        **_transform(shape, config, config.width),
        dropout=Dropout(config.hidden_dropout),
        classifier=make_linear(config.width, classes, bias=shape.has("classifier.bias", config), last=True),
    )


def build_masked_lm_head(shape: HeadShape, config: EncoderConfig) -> MaskedLMHead:
    """A masked-language-model head of this shape whose weights are yet to be loaded or initialised."""
    width, vocabulary = config.token_width, config.vocab_size
    return MaskedLMHead(
        **_transform(shape, config, width),
        decoder=nn.Parameter(torch.zeros(vocabulary, width)) if shape.has("decoder", config) else None,
        bias=nn.Parameter(torch.zeros(vocabulary)) if shape.has("bias", config) else None,
    )


def new_head(name: str, shape: HeadShape, config: EncoderConfig, classes: int, reads: Reads | None = None) -> nn.Module:
    """The head that a family calls so, whose weights are yet to be loaded or initialised; see `build_head`."""
    return build_masked_lm_head(shape, config) if name == MASKED_LM else build_head(shape, config, classes, reads)


def exact_weights(module: nn.Module) -> list[nn.Parameter]:
    """The weights of heads' last layers inside a module, as far as they are the heads' own: float32 in inference."""
    fillers = [part for part in module.modules() if isinstance(part, MaskedLMHead)]
    own = [weight for part in fillers for weight in (part.decoder, part.bias) if weight is not None]
    return [*last_weights(module), *own]


def _transform(shape: HeadShape, config: EncoderConfig, width: int) -> dict[str, Any]:
    """The dense layer, its activation and its norm, where the head has them."""
    dense: nn.Module = nn.Identity()
    norm: nn.Module = nn.Identity()
    if shape.has("dense.weight", config):
        dense = make_linear(config.width, width, bias=shape.has("dense.bias", config))
    if shape.standardised:
        norm = nn.LayerNorm(width, eps=config.norm_eps, elementwise_affine=False)
    elif shape.has("norm.weight", config):
        norm = nn.LayerNorm(width, eps=config.norm_eps, bias=shape.has("norm.bias", config), dtype=torch.float32)
    activation = (shape.activation or config.activation) if shape.has("dense.weight", config) else None
    return {"dense": dense, "activation": activation, "norm": norm}


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
