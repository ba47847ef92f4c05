"""How many parameters an encoder has, from its configuration alone."""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig


def count_parameters(config: EncoderConfig) -> int:
    """Parameters of the encoder, the pooler included where it has one; task heads are not counted.

    Exact: BERT-base 109,482,240, BERT-large 335,141,888.
    """
    norm = 1 + config.norm_bias
    missing = 0 if config.first_attention_norm else norm * config.width
    final = norm * config.width if config.final_norm else 0
    pooler = _dense(config.width, config.width) if config.pooler else 0
    return _embeddings(config, norm) + config.layers * _layer(config, norm) - missing + final + pooler


def _dense(inputs: int, outputs: int, bias: bool = True) -> int:
    return inputs * outputs + (outputs if bias else 0)


def _embeddings(config: EncoderConfig, norm: int) -> int:
    width = config.token_width
    rows = config.vocab_size + config.segment_types
    rows += config.positions.length if config.positions else 0
    rows += norm if config.embedding_norm else 0
    projection = _dense(width, config.width) if config.embed_width else 0
    relative = config.relative_bias.buckets * config.heads if config.relative_bias else 0
    return rows * width + projection + relative


def _layer(config: EncoderConfig, norm: int) -> int:
    width, attended = config.width, config.heads * config.head_width
    qkv = _dense(width, attended + 2 * config.groups * config.head_width, config.attention_bias)
    output = _dense(attended, width, config.attention_bias)
    up = _dense(width, config.ffn_width * (2 if config.gated else 1), config.mlp_bias)
    down = _dense(config.ffn_width, width, config.mlp_bias)
    return qkv + output + up + down + 2 * norm * width
