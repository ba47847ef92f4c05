"""ALBERT (Lan et al. 2020, arXiv 1909.11942)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bertkit.config.encoder import EncoderConfig
from bertkit.errors import ConfigError
from bertkit.families.contract import (
    Derived,
    Family,
    HeadShape,
    Key,
    TensorFlowLayout,
    TensorFlowName,
    Weight,
    dense_names,
    norm_names,
    output_names,
    weight_and_bias,
)
from bertkit.families.harmless import DROPOUT, because
from bertkit.families.spelling import (
    ANSWER_SPAN,
    BUFFERS,
    EMBEDDING_NORM,
    ENDINGS,
    POOLED_CLASSIFIER,
    POSITIONS,
    SEGMENTS,
    TIED,
    TOKEN_CLASSIFIER,
    TOKENS,
    bert_keys,
    embedding_names,
)
from bertkit.families.values import COUNT, LAYERS, REMEDY


def size(layers: int, width: int, heads: int, ffn_width: int) -> EncoderConfig:
    """A published size of version 2: one layer's weights, used `layers` times."""
    return EncoderConfig(
        vocab_size=30000,
        width=width,
        embed_width=128,
        heads=heads,
        ffn_width=ffn_width,
        layer_of_step=(0,) * layers,
        activation="gelu_tanh",
        hidden_dropout=0.0,
        attention_dropout=0.0,
    )


def read_steps(values: Mapping[str, Any]) -> object:
    """Layers in the order of use: steps are dealt out over groups; a step runs all inner layers of its group."""
    steps, groups, inner = (LAYERS.read(values, name, default) for name, default in LAYER_KEYS.items())
    if groups > steps:
        raise ConfigError(f"num_hidden_groups is {groups}, more than the {steps} of num_hidden_layers", REMEDY)
    group_of_step = [int(step / (steps / groups)) for step in range(steps)]
    return tuple(group * inner + layer for group in group_of_step for layer in range(inner))


def write_steps(config: EncoderConfig) -> Mapping[str, object]:
    """The counts that give this order: the inner layers are those that the first step runs before it repeats."""
    order = config.layer_of_step
    repeat = order.index(0, 1) if 0 in order[1:] else 1
    counts = (len(order) // repeat, config.layers // repeat, repeat)
    return dict(zip(LAYER_KEYS, counts, strict=True))


def layer_place(layer: int, values: Mapping[str, Any]) -> str:
    """Our layer's number as their group and inner layer."""
    inner = values.get("inner_group_num", 1)
    return f"{layer // inner}.albert_layers.{layer % inner}"


LAYER_KEYS = {"num_hidden_layers": 12, "num_hidden_groups": 1, "inner_group_num": 1}
LAYER = "encoder.albert_layer_groups.{layer}"
INNER_LAYER = LAYER.replace("{layer}", "{group}.albert_layers.{inner}")
THEIR_LAYER = "bert/encoder/transformer/group_{group}/inner_group_{inner}"

# What https://github.com/google-research/albert calls its variables, those of its fine-tuning programs included.
TENSORFLOW = TensorFlowLayout(
    config_name="albert_config.json",
    constants=frozenset({"layer_norm_eps"}),
    names=(
        *embedding_names("bert"),
        *dense_names("encoder.embedding_hidden_mapping_in", "bert/encoder/embedding_hidden_mapping_in"),
        *dense_names(f"{INNER_LAYER}.attention.query", f"{THEIR_LAYER}/attention_1/self/query"),
        *dense_names(f"{INNER_LAYER}.attention.key", f"{THEIR_LAYER}/attention_1/self/key"),
        *dense_names(f"{INNER_LAYER}.attention.value", f"{THEIR_LAYER}/attention_1/self/value"),
        *dense_names(f"{INNER_LAYER}.attention.dense", f"{THEIR_LAYER}/attention_1/output/dense"),
        *norm_names(f"{INNER_LAYER}.attention.LayerNorm", f"{THEIR_LAYER}/LayerNorm"),
        *dense_names(f"{INNER_LAYER}.ffn", f"{THEIR_LAYER}/ffn_1/intermediate/dense"),
        *dense_names(f"{INNER_LAYER}.ffn_output", f"{THEIR_LAYER}/ffn_1/intermediate/output/dense"),
        *norm_names(f"{INNER_LAYER}.full_layer_layer_norm", f"{THEIR_LAYER}/LayerNorm_1"),
        *dense_names("pooler", "bert/pooler/dense"),
        *dense_names("predictions.dense", "cls/predictions/transform/dense"),
        *norm_names("predictions.LayerNorm", "cls/predictions/transform/LayerNorm"),
        TensorFlowName("predictions.bias", "cls/predictions/output_bias"),
        TensorFlowName("predictions.decoder.bias", "cls/predictions/output_bias"),
        *output_names("sop_classifier.classifier", "cls/seq_relationship/"),
        *output_names("classifier", ""),
        *output_names("qa_outputs", "cls/squad/"),
    ),
    values={"hidden_act": {"gelu": "gelu_new"}},  # their program's only GELU is the approximation by tanh
)

FAMILY = Family(
    name="albert",
    class_names={"albert": "Albert"},
    changes="narrow embeddings, all steps share one layer's weights, sentence order instead of next sentence",
    presets={
        "base": size(12, 768, 12, 3072),
        "large": size(24, 1024, 16, 4096),
        "xlarge": size(24, 2048, 16, 8192),
        "xxlarge": size(12, 4096, 64, 16384),
    },
    keys=(
        *bert_keys(
            without=("num_hidden_layers",),
            vocab_size=30000,
            hidden_size=4096,
            num_attention_heads=64,
            intermediate_size=16384,
            hidden_act="gelu_new",
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        ),
        Key("embedding_size", "embed_width", 128, kind=COUNT),
        Derived(tuple(LAYER_KEYS), "layer_of_step", read_steps, write_steps),
    ),
    fixed={"position_embedding_type": "absolute"},
    harmless=because(DROPOUT, "classifier_dropout_prob")
    | because(
        "of Google's program, which does not read it",
        "down_scale_factor gap_size net_structure_type num_memory_blocks",
    ),
    prefix="albert.",
    encoder=(
        TOKENS,
        POSITIONS,
        SEGMENTS,
        *EMBEDDING_NORM,
        *weight_and_bias("embeddings.projection", "encoder.embedding_hidden_mapping_in"),
        *weight_and_bias(
            "layers.{layer}.attention.qkv",
            f"{LAYER}.attention.query",
            f"{LAYER}.attention.key",
            f"{LAYER}.attention.value",
        ),
        *weight_and_bias("layers.{layer}.attention.output", f"{LAYER}.attention.dense"),
        *weight_and_bias("layers.{layer}.attention_norm", f"{LAYER}.attention.LayerNorm"),
        *weight_and_bias("layers.{layer}.mlp.up", f"{LAYER}.ffn"),
        *weight_and_bias("layers.{layer}.mlp.down", f"{LAYER}.ffn_output"),
        *weight_and_bias("layers.{layer}.mlp_norm", f"{LAYER}.full_layer_layer_norm"),
        *weight_and_bias("pooler.dense", "pooler"),
    ),
    heads={
        "masked-lm": HeadShape(
            (
                *weight_and_bias("dense", "predictions.dense"),
                *weight_and_bias("norm", "predictions.LayerNorm"),
                Weight("bias", ("predictions.bias",), aliases=("predictions.decoder.bias",)),
            ),
            fixed=TIED,
        ),
        "sentence-order": HeadShape(weight_and_bias("classifier", "sop_classifier.classifier"), reads="pooler"),
        "text-classification": POOLED_CLASSIFIER,
        "token-classification": TOKEN_CLASSIFIER,
        "question-answering": ANSWER_SPAN,
        "multiple-choice": POOLED_CLASSIFIER,
    },
    architectures={"ForPreTraining": ("masked-lm", "sentence-order"), **ENDINGS},
    layer_place=layer_place,
    ignored=(*BUFFERS, "predictions.decoder.weight"),
    tensorflow=TENSORFLOW,
)
