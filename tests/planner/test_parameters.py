from __future__ import annotations

import pytest
import torch
from transformers import AutoConfig, AutoModel

from bertkit.config.encoder import EncoderConfig, LearnedPositions
from bertkit.families.catalogue import FAMILIES
from bertkit.families.foreign_config import write_config
from bertkit.model.build import build_encoder
from bertkit.planner.parameters import count_parameters

# Parameters that the authors' or the hub's pages give for the encoders, poolers included where there is one.
PUBLISHED = {
    ("bert", "tiny"): 4_385_920,
    ("bert", "mini"): 11_170_560,
    ("bert", "small"): 28_763_648,
    ("bert", "medium"): 41_373_184,
    ("bert", "base"): 109_482_240,
    ("bert", "large"): 335_141_888,
    ("roberta", "roberta-base"): 124_645_632,
    ("roberta", "roberta-large"): 355_359_744,
    ("roberta", "xlm-roberta-base"): 278_043_648,
    ("roberta", "xlm-roberta-large"): 559_890_432,
    ("roberta", "camembert-base"): 110_621_952,
    ("distilbert", "base"): 66_362_880,
    ("albert", "base"): 11_683_584,
    ("albert", "large"): 17_683_968,
    ("albert", "xlarge"): 58_724_864,
    ("albert", "xxlarge"): 222_595_584,
    ("electra", "base-discriminator"): 108_891_648,
    ("electra", "large-discriminator"): 334_092_288,
    ("mpnet", "base"): 109_486_464,
    ("modernbert", "base"): 149_014_272,
    ("modernbert", "large"): 394_781_696,
}
PRESETS = [(name, size) for name in sorted({f.name for f in FAMILIES.values()}) for size in FAMILIES[name].presets]


@pytest.mark.parametrize(("family", "size"), PUBLISHED)
def test_published_sizes(family: str, size: str) -> None:
    assert count_parameters(FAMILIES[family].presets[size]) == PUBLISHED[family, size]


@pytest.mark.parametrize(("family", "size"), PRESETS)
def test_presets_are_what_transformers_builds(family: str, size: str) -> None:
    config = FAMILIES[family].presets[size]
    values = write_config(FAMILIES[family], config)
    theirs = AutoConfig.for_model(str(values.pop("model_type")), **values)
    pooler = {"add_pooling_layer": config.pooler} if family in ("bert", "roberta", "albert", "mpnet") else {}
    with torch.device("meta"):
        peer = AutoModel.from_config(theirs, **pooler)
        ours = build_encoder(config)
    assert count_parameters(config) == peer.num_parameters() == sum(part.numel() for part in ours.parameters())


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
