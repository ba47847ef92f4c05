"""How many floating point operations the matrix products of an encoder take, from its configuration alone.

A product of (m, k) and (k, n) counts 2·m·n·k. Everything else (norms, activations, softmax, look-ups) is left out, as
is usual where a share of the machine's peak is stated (Chowdhery et al. 2022, appendix B). Attention counts the pairs
of tokens that see each other, not what a kernel computes beyond them.
"""

from __future__ import annotations

from collections.abc import Sequence

from bertkit.config.encoder import EncoderConfig
from bertkit.planner.formulas import Values
from bertkit.planner.inputs import model_inputs


def sequence_flops(config: EncoderConfig, length: int) -> float:
    """Of one sequence of `length` tokens through the embeddings and layers, forward, without any head."""
    return float(_values(config, [length])["encoder_flops"])


def flops_per_token(config: EncoderConfig, length: int) -> float:
    """`sequence_flops` of one of the `length` tokens."""
    return sequence_flops(config, length) / length


def masked_flops(config: EncoderConfig) -> float:
    """Of one token to be predicted through a masked-language-model head with a dense layer, forward."""
    return float(_values(config, [])["masked_flops"])


def pooled_flops(config: EncoderConfig) -> float:
    """Of one sequence through the pooler and two classes (next sentence, sentence order), forward; 0 without pooler."""
    return float(_values(config, [])["pooled_flops"])


def training_flops(config: EncoderConfig, lengths: Sequence[int], masked: int, sequences: int) -> float:
    """Of one step, forward and backward. What recomputing activations repeats is not counted.

    Args:
        lengths: tokens of each sequence of the batch.
        masked: tokens of the batch that are predicted.
        sequences: those of the batch that the pooler's head reads; without a pooler they count for nothing.
    """
    return float(_values(config, lengths, masked=masked, texts=sequences)["training_flops"])


def seen_pairs(length: int, window_radius: int | None) -> int:
    """How many (query, key) of a sequence see each other where each sees so many on either side; None for all."""
    radius = length if window_radius is None else window_radius
    return int(Values({"radius": radius, "padded": False}, [length])["window_pairs"])


def _values(config: EncoderConfig, lengths: Sequence[int], **given: float) -> Values:
    return Values({**model_inputs(config), "padded": False, **given}, lengths)
