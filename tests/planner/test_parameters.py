from __future__ import annotations

import pytest
import torch

from bertkit.config.encoder import EncoderConfig, LearnedPositions
from bertkit.families.bert import FAMILY
from bertkit.model.encoder import build_encoder
from bertkit.planner.parameters import count_parameters

# tiny to medium: https://github.com/google-research/bert, March 2020 release, counted on the published checkpoints
PUBLISHED = {"tiny": 4_385_920, "mini": 11_170_560, "small": 28_763_648, "medium": 41_373_184}
PUBLISHED |= {"base": 109_482_240, "large": 335_141_888}


@pytest.mark.parametrize("size", PUBLISHED)
def test_published_sizes(size: str) -> None:
    assert count_parameters(FAMILY.presets[size]) == PUBLISHED[size]


@pytest.mark.parametrize(
    "config",
    [
        EncoderConfig(width=6, heads=3, ffn_width=7, vocab_size=11, positions=LearnedPositions(length=5), pooler=False),
        EncoderConfig(width=6, heads=3, ffn_width=7, vocab_size=11, segment_types=1, layer_of_step=(0, 1, 0, 1, 2)),
    ],
    ids=["no pooler", "shared layers"],
)
def test_the_count_is_that_of_the_encoder(config: EncoderConfig) -> None:
    with torch.device("meta"):
        encoder = build_encoder(config)
    assert count_parameters(config) == sum(parameter.numel() for parameter in encoder.parameters())
