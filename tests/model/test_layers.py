"""Whole layers beside those of torch itself."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bertkit.batching.layout import PackedLayout
from bertkit.config.encoder import EncoderConfig
from bertkit.model.attention import View
from bertkit.model.build import build_encoder
from bertkit.model.init import initialise
from bertkit.model.layers import Layer

LENGTHS = [5, 1, 7]


def both(norm_at: str) -> tuple[Layer, nn.TransformerEncoderLayer]:
    """A layer, and torch's own with the same weights."""
    config = EncoderConfig.model_validate(
        {"vocab_size": 9, "width": 33, "heads": 3, "ffn_width": 37, "layer_of_step": (0,), "norm_at": norm_at}
    )
    encoder = build_encoder(config).eval()
    initialise(encoder, 0.2, torch.Generator().manual_seed(0))
    ours = encoder.layers[0]
    assert isinstance(ours, Layer)
    with torch.no_grad():
        for bias in (weight for weight in ours.parameters() if weight.ndim == 1):
            bias.normal_()
    theirs = nn.TransformerEncoderLayer(
        33, 3, 37, activation="gelu", layer_norm_eps=1e-12, norm_first=norm_at == "pre", batch_first=True
    ).eval()
    names = {
        "self_attn.in_proj_": "attention.qkv.",
        "self_attn.out_proj.": "attention.output.",
        "linear1.": "mlp.up.",
        "linear2.": "mlp.down.",
        "norm1.": "attention_norm.",
        "norm2.": "mlp_norm.",
    }
    state = ours.state_dict()
    theirs.load_state_dict({a + part: state[b + part] for a, b in names.items() for part in ("weight", "bias")})
    return ours, theirs


@pytest.mark.parametrize("norm_at", ["post", "pre"])
@torch.no_grad()
def test_it_computes_what_torchs_own_layer_does(norm_at: str) -> None:
    ours, theirs = both(norm_at)
    x_TW = torch.randn(sum(LENGTHS), 33)
    expected_TW = torch.cat([theirs(x_LW[None])[0] for x_LW in x_TW.split(LENGTHS)])
    layout = PackedLayout.of(LENGTHS)
    torch.testing.assert_close(ours(x_TW, View(layout)), expected_TW, atol=1e-5, rtol=1e-5)
    wanted_M = torch.tensor([12, 0, 5])
    some_MW = ours(x_TW, View(layout, outputs_M=wanted_M))
    torch.testing.assert_close(some_MW, expected_TW[wanted_M], atol=1e-5, rtol=1e-5)
