from __future__ import annotations

import torch
from torch import nn

from bertkit.config.encoder import EncoderConfig, LearnedPositions, RelativeBias
from bertkit.model.build import build_encoder

SMALL = EncoderConfig(
    vocab_size=99, width=36, heads=3, ffn_width=37, layer_of_step=(0, 1), positions=LearnedPositions(length=23)
)


def test_meta_construction_takes_no_memory() -> None:
    with torch.device("meta"):
        encoder = build_encoder(EncoderConfig())
    assert {parameter.device.type for parameter in encoder.parameters()} == {"meta"}


def test_weights_are_float32_whatever_the_default() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        encoder = build_encoder(SMALL.model_copy(update={"relative_bias": RelativeBias(), "final_norm": True}))
    finally:
        torch.set_default_dtype(torch.float32)
    assert {weight.dtype for weight in encoder.parameters()} == {torch.float32}


def test_what_a_configuration_leaves_out_has_no_weights() -> None:
    names = set(build_encoder(SMALL).state_dict())
    for changes, gone in (
        ({"segment_types": 0}, {"embeddings.segment.weight"}),
        ({"positions": None}, {"embeddings.position.weight"}),
        ({"pooler": False}, {"pooler.dense.weight", "pooler.dense.bias"}),
        ({"embedding_norm": False}, {"embeddings.norm.weight", "embeddings.norm.bias"}),
        ({"first_attention_norm": False}, {f"layers.0.attention_norm.{part}" for part in ("weight", "bias")}),
        ({"mlp_bias": False}, {f"layers.{layer}.mlp.{part}.bias" for layer in (0, 1) for part in ("up", "down")}),
    ):
        assert names - set(build_encoder(SMALL.model_copy(update=changes)).state_dict()) == gone, changes


def test_what_a_configuration_adds_has_weights_of_its_size() -> None:
    def shapes(**changes: object) -> dict[str, tuple[int, ...]]:
        encoder = build_encoder(SMALL.model_copy(update=changes))
        return {name: tuple(tensor.shape) for name, tensor in encoder.state_dict().items()}

    assert shapes()["layers.0.attention.qkv.weight"] == (3 * 36, 36)
    assert shapes(kv_heads=1)["layers.0.attention.qkv.weight"] == ((3 + 2) * 12, 36)
    assert shapes(gated=True)["layers.1.mlp.up.weight"] == (2 * 37, 36)
    narrow = shapes(embed_width=8)
    assert (narrow["embeddings.token.weight"], narrow["embeddings.norm.weight"]) == ((99, 8), (8,))
    assert narrow["embeddings.projection.weight"] == (36, 8)
    assert shapes(relative_bias=RelativeBias(buckets=8))["distance_bias.table.weight"] == (8, 3)
    assert shapes(final_norm=True)["final_norm.weight"] == (36,)


def test_norms_are_of_the_kind_that_is_named() -> None:
    rms = build_encoder(SMALL.model_copy(update={"norm": "rms", "norm_eps": 0.25})).layers[1].mlp_norm
    assert isinstance(rms, nn.RMSNorm)
    assert rms.eps == 0.25
