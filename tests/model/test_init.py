from __future__ import annotations

import pytest
import torch
from torch import nn

from bertkit.config.encoder import EncoderConfig, LearnedPositions
from bertkit.families.catalogue import FAMILIES
from bertkit.families.contract import Family
from bertkit.model.build import build_encoder
from bertkit.model.heads import build_head, build_masked_lm_head
from bertkit.model.init import bias_from_priors, initialise

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


def test_a_head_may_begin_with_what_is_known_before_reading() -> None:
    shape = FAMILIES["bert"].heads["text-classification"]
    head = build_head(shape, CONFIG, 3, "first")
    bias_from_priors(head, [0.5, 0.01, 0.9])
    torch.testing.assert_close(head.classifier(torch.zeros(96)).sigmoid(), torch.tensor([0.5, 0.01, 0.9]))


def small(preset: EncoderConfig) -> EncoderConfig:
    """The preset with all that makes it what it is, but its sizes."""
    steps = preset.layer_of_step[:3]
    changes = {
        "vocab_size": 97,
        "width": 24,
        "heads": 2,
        "kv_heads": 1 if preset.kv_heads else None,
        "embed_width": 7 if preset.embed_width else None,
        "ffn_width": 29,
        "layer_of_step": steps,
    }
    return EncoderConfig(**(preset.model_dump() | changes))


FAMILY_PRESETS = [
    pytest.param(family, preset, id=f"{family.name}-{name}")
    for family in {id(family): family for family in FAMILIES.values()}.values()
    for name, preset in family.presets.items()
]


@pytest.mark.parametrize(("family", "preset"), FAMILY_PRESETS)
def test_every_parameter_of_every_family_is_filled(family: Family, preset: EncoderConfig) -> None:
    config = small(preset)
    with torch.device("meta"):
        parts = nn.ModuleDict({"encoder": build_encoder(config)})
        for name, shape in family.heads.items():
            masked = name == "masked-lm"
            parts[name] = build_masked_lm_head(shape, config) if masked else build_head(shape, config, 3)
    parts.to_empty(device="cpu")
    with torch.no_grad():
        for parameter in parts.parameters():
            parameter.fill_(torch.nan)
    initialise(parts, 0.02, torch.Generator().manual_seed(0))
    for name, parameter in parts.named_parameters():
        assert parameter.isfinite().all(), name
        matrix, is_norm = parameter.dim() == 2, "norm" in name and name.endswith("weight")
        if matrix:
            assert 0 < parameter.abs().max() <= 0.04, name
        else:
            assert (parameter == float(is_norm)).all(), name
