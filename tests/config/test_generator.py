from __future__ import annotations

import pytest

from bertkit.config.encoder import EncoderConfig
from bertkit.config.generator import generator_config
from bertkit.families.electra import FAMILY


def test_electra_base() -> None:
    config = generator_config(FAMILY.presets["base-discriminator"], 1 / 3)
    assert (config.width, config.heads, config.ffn_width, config.embed_width) == (256, 4, 1024, 768)
    assert config.layers == 12
    assert config == FAMILY.presets["base-generator"]


@pytest.mark.parametrize("size", [0.01, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("preset", FAMILY.presets)
def test_heads_and_embeddings_keep_their_width(preset: str, size: float) -> None:
    encoder = FAMILY.presets[preset]
    config = generator_config(encoder, size)
    assert (config.head_width, config.token_width) == (encoder.head_width, encoder.token_width)
    assert config.heads >= 1


def test_the_whole_size_is_the_encoder_itself() -> None:
    encoder = EncoderConfig(pooler=False)
    assert generator_config(encoder, 1.0) == encoder
