from __future__ import annotations

import torch
from torch import nn

from bertkit.config.encoder import EncoderConfig, LearnedPositions, RelativeBias
from bertkit.model.build import build_encoder
from bertkit.model.init import initialise
from bertkit.model.int8_linear import Int8Linear
from bertkit.model.int8_parts import int8_weights, quantise, take_int8
from bertkit.model.int8_table import Int8Table
from bertkit.model.linear import LastLinear

CONFIG = EncoderConfig(
    vocab_size=30, width=16, heads=2, ffn_width=24, layer_of_step=(0,), positions=LearnedPositions(length=9)
)


def test_all_is_int8_but_norms_segments_and_last_layers() -> None:
    encoder = build_encoder(CONFIG)
    names = [f"layers.0.{part}.weight" for part in ("attention.qkv", "attention.output", "mlp.up", "mlp.down")]
    tables = ["embeddings.token.weight", "embeddings.position.weight"]
    assert set(int8_weights(encoder)) == {*names, *tables, "pooler.dense.weight"}
    assert int8_weights(nn.Sequential(LastLinear(4, 2))) == {}


def test_a_table_of_distances_stays() -> None:
    config = CONFIG.model_copy(update={"relative_bias": RelativeBias(buckets=8, max_distance=16)})
    assert "distance_bias.table.weight" not in int8_weights(build_encoder(config))


def test_it_is_made_int8_part_by_part() -> None:
    encoder = build_encoder(CONFIG)
    initialise(encoder)
    quantise(encoder)
    assert int8_weights(encoder) == {}
    assert isinstance(encoder.embeddings.token, Int8Table)
    assert isinstance(encoder.layers[0].mlp.down, Int8Linear)


def test_room_is_made_for_what_a_folder_stores() -> None:
    with torch.device("meta"):
        encoder = build_encoder(CONFIG)
    take_int8(encoder, {"layers.0.mlp.up.weight": 16, "embeddings.token.weight": 0})
    state = encoder.state_dict()
    assert state["layers.0.mlp.up.weight"].dtype == torch.int8
    assert state["layers.0.mlp.up.weight_inputs"].shape == (2, 16)
    assert state["embeddings.token.weight_scale"].shape == (30,)
    assert state["layers.0.mlp.down.weight"].dtype == torch.float32
