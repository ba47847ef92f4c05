"""How many parameters an encoder has, from its configuration alone."""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig


def count_parameters(config: EncoderConfig) -> int:
    """Parameters of the encoder, the pooler included where it has one; task heads are not counted.

    Exact: BERT-base 109,482,240, BERT-large 335,141,888.
    """
    width, norm = config.width, 2 * config.width
    embeddings = (config.vocab_size + config.positions.length + config.segment_types) * width + norm
    attention = 4 * (width * width + width)
    mlp = 2 * width * config.ffn_width + config.ffn_width + width
    pooler = width * width + width if config.pooler else 0
    return embeddings + config.layers * (attention + mlp + 2 * norm) + pooler
