"""A family in one file: BERT's arithmetic, under names of its own."""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig
from bertkit.families.contract import Family, HeadShape, Key, Weight, weight_and_bias
from bertkit.families.spelling import read_layers, write_layers
from bertkit.families.values import LAYERS

LAYER = "floor.{layer}"
CLASSIFIER = weight_and_bias("classifier", "roof")

FAMILY = Family(
    name="toybert",
    class_names={"toybert": "ToyBert"},
    changes="nothing but names",
    presets={"toy": EncoderConfig(layer_of_step=(0, 1), pooler=False)},
    keys=(
        Key("words", "vocab_size", 100),
        Key("size", "width", 32),
        Key("floors", "layer_of_step", 2, read_layers, write_layers, LAYERS),
        Key("eyes", "heads", 4),
        Key("inner", "ffn_width", 64),
        Key("reach", "positions.length", 64),
    ),
    constants={"segment_types": 0, "pooler": False},
    prefix="house.",
    encoder=(
        Weight("embeddings.token.weight", ("cellar.words",)),
        Weight("embeddings.position.weight", ("cellar.places",)),
        *weight_and_bias("embeddings.norm", "cellar.norm"),
        *weight_and_bias("layers.{layer}.attention.qkv", f"{LAYER}.q", f"{LAYER}.k", f"{LAYER}.v"),
        *weight_and_bias("layers.{layer}.attention.output", f"{LAYER}.o"),
        *weight_and_bias("layers.{layer}.attention_norm", f"{LAYER}.norm1"),
        *weight_and_bias("layers.{layer}.mlp.up", f"{LAYER}.up"),
        *weight_and_bias("layers.{layer}.mlp.down", f"{LAYER}.down"),
        *weight_and_bias("layers.{layer}.mlp_norm", f"{LAYER}.norm2"),
    ),
    heads={"text-classification": HeadShape(CLASSIFIER, reads="mean")},
    architectures={"Model": (), "ForSequenceClassification": ("text-classification",)},
)
