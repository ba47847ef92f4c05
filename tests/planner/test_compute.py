"""Operations of a training step: against torch's count of what real models do, and published figures."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from bertkit.batching.token_batch import TokenBatch
from bertkit.config.encoder import EncoderConfig, LearnedPositions, RotaryPositions
from bertkit.families.catalogue import FAMILIES
from bertkit.model.build import build_encoder
from bertkit.model.heads import build_head, build_masked_lm_head
from bertkit.model.init import initialise
from bertkit.planner.compute import (
    flops_per_token,
    masked_flops,
    pooled_flops,
    seen_pairs,
    sequence_flops,
    training_flops,
)

BERT = FAMILIES["bert"]
SMALL = {
    "vocab_size": 50,
    "width": 16,
    "heads": 4,
    "ffn_width": 24,
    "hidden_dropout": 0.0,
    "attention_dropout": 0.0,
}
ROTARY = {"positions": None, "rotary": RotaryPositions(), "pooler": False, "segment_types": 0}
CONFIGS = {
    "bert": EncoderConfig(**SMALL, layer_of_step=(0, 1, 2)),
    "shared": EncoderConfig(**SMALL, layer_of_step=(0, 0, 0), embed_width=6),
    "gated": EncoderConfig(**SMALL, **ROTARY, layer_of_step=(0, 1), gated=True),
    "grouped": EncoderConfig(**SMALL, **ROTARY, layer_of_step=(0, 1), kv_heads=2),
    "wide": EncoderConfig(**SMALL, layer_of_step=(0,), positions=LearnedPositions(length=2000)),
}


def counted_flops(config: EncoderConfig, lengths: list[int], masked: int) -> int:
    """What torch counts for a forward and a backward pass; attention by plain products, forward and backward."""
    encoder = build_encoder(config)
    masked_head = build_masked_lm_head(BERT.heads["masked-lm"], config)
    pooled_head = build_head(BERT.heads["next-sentence"], config, 2) if config.pooler else None
    initialise(encoder)
    batch = TokenBatch.pack([[1] * length for length in lengths], [[0] * length for length in lengths])
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        hidden_TW = encoder(batch)
        loss = masked_head(hidden_TW[:masked], encoder).sum()
        if pooled_head is not None:
            loss = loss + pooled_head(hidden_TW, batch.layout, encoder).sum()
        loss.backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("name", CONFIGS)
def test_it_is_what_torch_counts(name: str) -> None:
    config, lengths = CONFIGS[name], [12, 12, 5, 30]
    ours = training_flops(config, lengths, masked=7, sequences=len(lengths))
    assert ours == counted_flops(config, lengths, masked=7)


def test_long_sequences_too() -> None:
    config = CONFIGS["wide"]
    assert training_flops(config, [700], masked=1, sequences=1) == counted_flops(config, [700], masked=1)


@given(st.integers(1, 40), st.integers(0, 50))
def test_pairs_are_those_that_see_each_other(length: int, radius: int) -> None:
    seen = sum(abs(query - key) <= radius for query in range(length) for key in range(length))
    assert seen_pairs(length, radius) == seen
    assert seen_pairs(length, None) == length**2


def test_local_steps_see_less() -> None:
    config = CONFIGS["gated"].model_copy(update={"attention_pattern": "GL", "window_radius": 3})
    both, one = sequence_flops(CONFIGS["gated"], 50), sequence_flops(config, 50)
    assert both - one == 4 * 16 * (50 * 50 - seen_pairs(50, 3))


def test_per_token_and_per_head() -> None:
    config = CONFIGS["bert"]
    assert flops_per_token(config, 9) * 9 == pytest.approx(sequence_flops(config, 9))
    whole = training_flops(config, [9], masked=2, sequences=1)
    assert whole == 3 * (sequence_flops(config, 9) + 2 * masked_flops(config) + pooled_flops(config))


@pytest.mark.parametrize(
    ("size", "length", "masked", "expected", "within"),
    [("base", 128, 20, 71e9, 0.02), ("large", 128, 20, 241e9, 0.01), ("large", 512, 77, 1.02e12, 0.01)],
)
def test_known_figures(size: str, length: int, masked: int, expected: float, within: float) -> None:
    assert training_flops(BERT.presets[size], [length], masked, sequences=1) == pytest.approx(expected, rel=within)
