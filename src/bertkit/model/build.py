"""The parts list of an encoder: from its configuration to its modules."""

from __future__ import annotations

import torch
from torch import nn

from bertkit.config.encoder import EncoderConfig
from bertkit.model.attention import Attention
from bertkit.model.dropout import Dropout
from bertkit.model.embeddings import Embeddings
from bertkit.model.encoder import Encoder, Pooler
from bertkit.model.layers import Layer, PostNormLayer, PreNormLayer
from bertkit.model.linear import make_linear
from bertkit.model.mlp import MLP, GatedMLP
from bertkit.model.positions import DistanceBias


def build_encoder(config: EncoderConfig) -> Encoder:
    """An encoder whose weights are yet to be loaded or initialised; on torch's `meta` device it takes no memory.

    Parameters are float32 whatever the default dtype.
    """
    relative = config.relative_bias
    return Encoder(
        config,
        embeddings=_embeddings(config),
        layers=[_layer(config, number) for number in range(config.layers)],
        distance_bias=DistanceBias(_table(relative.buckets, config.heads), relative) if relative else None,
        final_norm=_norm(config) if config.final_norm else nn.Identity(),
        pooler=Pooler(make_linear(config.width, config.width)) if config.pooler else None,
    )


def _embeddings(config: EncoderConfig) -> Embeddings:
    width, learned = config.token_width, config.positions
    return Embeddings(
        token=_table(config.vocab_size, width),
        segment=_table(config.segment_types, width) if config.segment_types else None,
        position=_table(learned.length, width) if learned else None,
        offset=learned.offset if learned else 0,
        norm=_norm(config, width) if config.embedding_norm else nn.Identity(),
        dropout=Dropout(config.hidden_dropout),
        projection=make_linear(width, config.width) if config.embed_width else nn.Identity(),
    )


def _layer(config: EncoderConfig, number: int) -> Layer:
    kind = PostNormLayer if config.norm_at == "post" else PreNormLayer
    mlp = GatedMLP if config.gated else MLP
    width, heads, ffn_width = config.width, config.heads + 2 * config.groups, config.ffn_width
    return kind(
        attention=Attention(
            qkv=make_linear(width, heads * config.head_width, bias=config.attention_bias),
            output=make_linear(width, width, bias=config.attention_bias),
            heads=config.heads,
            groups=config.groups,
            dropout=config.attention_dropout,
        ),
        attention_norm=_norm(config) if number or config.first_attention_norm else nn.Identity(),
        mlp=mlp(
            up=make_linear(width, ffn_width * (2 if config.gated else 1), bias=config.mlp_bias),
            down=make_linear(ffn_width, width, bias=config.mlp_bias),
            activation=config.activation,
        ),
        mlp_norm=_norm(config),
        dropout=Dropout(config.hidden_dropout),
    )


def _norm(config: EncoderConfig, width: int | None = None) -> nn.Module:
    if config.norm == "rms":
        return nn.RMSNorm(width or config.width, eps=config.norm_eps, dtype=torch.float32)
    return nn.LayerNorm(width or config.width, eps=config.norm_eps, bias=config.norm_bias, dtype=torch.float32)


def _table(rows: int, width: int) -> nn.Embedding:
    # Not `nn.Embedding(rows, width)`: on the meta device its random numbers cost the import of torch's compiler.
    return nn.Embedding(rows, width, _weight=torch.zeros(rows, width, dtype=torch.float32))
