from __future__ import annotations

import torch
from torch import nn

from bertkit.config.encoder import EncoderConfig, LearnedPositions
from bertkit.model.build import build_encoder
from bertkit.model.init import initialise

CONFIG = EncoderConfig(vocab_size=997, width=96, heads=3, layer_of_step=(0,), positions=LearnedPositions(length=64))


def test_published_initialisation() -> None:
    encoder = build_encoder(CONFIG)
    initialise(encoder, 0.02, torch.Generator().manual_seed(0))
    for part in encoder.modules():
        if isinstance(part, nn.Linear | nn.Embedding):
            assert part.weight.abs().max() <= 0.04
        if isinstance(part, nn.Linear):
            assert not part.bias.any()
        if isinstance(part, nn.LayerNorm):
            assert torch.equal(part.weight, torch.ones(96))
    table = encoder.embeddings.token.weight
    assert abs(table.mean().item()) < 2e-4
    # a normal cut at two standard deviations keeps 0.8796 of its deviation
    assert abs(table.std().item() / 0.02 - 0.8796) < 0.01


def test_the_generator_decides() -> None:
    first, second, third = (build_encoder(CONFIG) for _ in range(3))
    initialise(first, generator=torch.Generator().manual_seed(1))
    initialise(second, generator=torch.Generator().manual_seed(1))
    initialise(third, generator=torch.Generator().manual_seed(2))
    assert torch.equal(first.embeddings.token.weight, second.embeddings.token.weight)
    assert not torch.equal(first.embeddings.token.weight, third.embeddings.token.weight)
