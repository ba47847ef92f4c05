"""The sizes of ELECTRA's generator. Torch-free."""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig


def generator_config(config: EncoderConfig, size: float) -> EncoderConfig:
    """An encoder of `size` times the heads and feed-forward width of `config` (Clark et al. 2020, 3.2).

    Heads keep their width, so that the model is as wide as whole heads make it. Layers and embeddings are the same.
    """
    heads = max(1, round(config.heads * size))
    width = heads * config.head_width
    changes = {
        "heads": heads,
        "kv_heads": None,
        "width": width,
        "ffn_width": max(1, round(config.ffn_width * size)),
        "embed_width": None if width == config.token_width else config.token_width,
        "pooler": False,
    }
    return EncoderConfig(**(config.model_dump() | changes))
