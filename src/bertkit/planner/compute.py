"""How many floating point operations the matrix products of an encoder take, from its configuration alone.

A product of (m, k) and (k, n) counts 2·m·n·k. Everything else (norms, activations, softmax, look-ups) is left out, as
is usual where a share of the machine's peak is stated (Chowdhery et al. 2022, appendix B). Attention counts the pairs
of tokens that see each other, not what a kernel computes beyond them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bertkit.config.encoder import EncoderConfig

BACKWARD = 2  # each product has two in the backward pass: for its input and for its weight


def sequence_flops(config: EncoderConfig, length: int) -> float:
    """Of one sequence of `length` tokens through the embeddings and layers, forward, without any head."""
    projection = 2 * config.token_width * config.width if config.embed_width else 0
    return length * (projection + len(config.layer_of_step) * _dense_flops(config)) + _attention_flops(config, length)


def flops_per_token(config: EncoderConfig, length: int) -> float:
    """`sequence_flops` of one of the `length` tokens."""
    return sequence_flops(config, length) / length


def masked_flops(config: EncoderConfig) -> float:
    """Of one token to be predicted through a masked-language-model head with a dense layer, forward."""
    return 2 * config.token_width * (config.width + config.vocab_size)


def pooled_flops(config: EncoderConfig) -> float:
    """Of one sequence through the pooler and two classes (next sentence, sentence order), forward; 0 without pooler."""
    return 2 * config.width * (config.width + 2) if config.pooler else 0


def training_flops(config: EncoderConfig, lengths: Sequence[int], masked: int, sequences: int) -> float:
    """Of one step, forward and backward. What recomputing activations repeats is not counted.

    Args:
        lengths: tokens of each sequence of the batch.
        masked: tokens of the batch that are predicted.
        sequences: those of the batch that the pooler's head reads; without a pooler they count for nothing.
    """
    layers = sum(count * sequence_flops(config, length) for length, count in Counter(lengths).items())
    return (1 + BACKWARD) * (layers + masked * masked_flops(config) + sequences * pooled_flops(config))


def _dense_flops(config: EncoderConfig) -> int:
    """Of one token through the dense layers of one step."""
    width, attended = config.width, config.heads * config.head_width
    qkv = width * (attended + 2 * config.groups * config.head_width)
    up = width * config.ffn_width * (2 if config.gated else 1)
    return 2 * (qkv + attended * width + up + config.ffn_width * width)


def _attention_flops(config: EncoderConfig, length: int) -> int:
    """Of one sequence, over all steps: scores, and the values that they weigh."""
    pairs = 0
    for step in range(len(config.layer_of_step)):
        local = config.sight_of_step(step) == "L"
        pairs += seen_pairs(length, config.window_radius if local else None)
    return 2 * 2 * config.heads * config.head_width * pairs


def seen_pairs(length: int, window_radius: int | None) -> int:
    """How many (query, key) of a sequence see each other where each sees so many on either side; None for all."""
    if window_radius is None or window_radius >= length:
        return length * length
    # Every token sees 2r + 1, less what would lie before the first token or after the last.
    return length * (2 * window_radius + 1) - window_radius * (window_radius + 1)
