"""ELECTRA (Clark et al. 2020, arXiv 2003.10555): a discriminator, and the generator that it was trained against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bertkit.config.encoder import EncoderConfig
from bertkit.families.contract import (
    Derived,
    Family,
    HeadShape,
    Key,
    Weight,
    read_activation,
    read_layers,
    weight_and_bias,
    write_activation,
    write_layers,
)


def size(layers: int, width: int, heads: int, ffn_width: int, embed_width: int) -> EncoderConfig:
    """A published size."""
    return EncoderConfig(
        width=width,
        embed_width=None if embed_width == width else embed_width,
        heads=heads,
        ffn_width=ffn_width,
        layer_of_step=tuple(range(layers)),
        pooler=False,
    )


def read_embed_width(values: Mapping[str, Any]) -> object:
    """None where embeddings are as wide as the layers: then nothing lies between."""
    width = values.get("embedding_size", 128)
    return None if width == values.get("hidden_size", 256) else width


def write_embed_width(config: EncoderConfig) -> Mapping[str, object]:
    """The width of the embeddings."""
    return {"embedding_size": config.token_width}


LAYER = "encoder.layer.{layer}"

FAMILY = Family(
    name="electra",
    class_names={"electra": "Electra"},
    changes="told apart real and replaced tokens; embeddings may be narrower than the layers, no pooler",
    presets={
        "small-discriminator": size(12, 256, 4, 1024, 128),
        "base-discriminator": size(12, 768, 12, 3072, 768),
        "large-discriminator": size(24, 1024, 16, 4096, 1024),
        "small-generator": size(12, 256, 4, 1024, 128),
        "base-generator": size(12, 256, 4, 1024, 768),
    },
    keys=(
        Key("vocab_size", "vocab_size", 30522),
        Derived(("embedding_size",), "embed_width", read_embed_width, write_embed_width),
        Key("hidden_size", "width", 256),
        Key("num_hidden_layers", "layer_of_step", 12, read_layers, write_layers),
        Key("num_attention_heads", "heads", 4),
        Key("intermediate_size", "ffn_width", 1024),
        Key("max_position_embeddings", "positions.length", 512),
        Key("type_vocab_size", "segment_types", 2),
        Key("hidden_act", "activation", "gelu", read_activation, write_activation),
        Key("layer_norm_eps", "norm_eps", 1e-12),
        Key("hidden_dropout_prob", "hidden_dropout", 0.1),
        Key("attention_probs_dropout_prob", "attention_dropout", 0.1),
        Key("initializer_range", "initializer_range", 0.02),
    ),
    constants={"pooler": False},
    fixed={
        "position_embedding_type": "absolute",
        "is_decoder": False,
        "add_cross_attention": False,
        "tie_word_embeddings": True,
        "summary_type": "first",
        "summary_use_proj": True,
        "summary_activation": "gelu",
    },
    harmless=frozenset("use_cache classifier_dropout summary_last_dropout".split()),
    prefix="electra.",
    encoder=(
        Weight("embeddings.token.weight", ("embeddings.word_embeddings.weight",)),
        Weight("embeddings.position.weight", ("embeddings.position_embeddings.weight",)),
        Weight("embeddings.segment.weight", ("embeddings.token_type_embeddings.weight",)),
        *weight_and_bias("embeddings.norm", "embeddings.LayerNorm"),
        *weight_and_bias("embeddings.projection", "embeddings_project"),
        *weight_and_bias(
            "layers.{layer}.attention.qkv",
            f"{LAYER}.attention.self.query",
            f"{LAYER}.attention.self.key",
            f"{LAYER}.attention.self.value",
        ),
        *weight_and_bias("layers.{layer}.attention.output", f"{LAYER}.attention.output.dense"),
        *weight_and_bias("layers.{layer}.attention_norm", f"{LAYER}.attention.output.LayerNorm"),
        *weight_and_bias("layers.{layer}.mlp.up", f"{LAYER}.intermediate.dense"),
        *weight_and_bias("layers.{layer}.mlp.down", f"{LAYER}.output.dense"),
        *weight_and_bias("layers.{layer}.mlp_norm", f"{LAYER}.output.LayerNorm"),
    ),
    heads={
        "masked-lm": HeadShape(
            (
                *weight_and_bias("dense", "generator_predictions.dense"),
                *weight_and_bias("norm", "generator_predictions.LayerNorm"),
                Weight("bias", ("generator_lm_head.bias",)),
            ),
            activation="gelu",
        ),
        "replaced-token-detection": HeadShape(
            (
                *weight_and_bias("dense", "discriminator_predictions.dense"),
                *weight_and_bias("classifier", "discriminator_predictions.dense_prediction"),
            )
        ),
        "text-classification": HeadShape(
            (*weight_and_bias("dense", "classifier.dense"), *weight_and_bias("classifier", "classifier.out_proj")),
            reads="first",
            activation="gelu",
        ),
        "token-classification": HeadShape(weight_and_bias("classifier", "classifier")),
        "question-answering": HeadShape(weight_and_bias("classifier", "qa_outputs")),
        "multiple-choice": HeadShape(
            (*weight_and_bias("dense", "sequence_summary.summary"), *weight_and_bias("classifier", "classifier")),
            reads="first",
            activation="gelu",
        ),
    },
    architectures={
        "ForPreTraining": ("replaced-token-detection",),
        "ForMaskedLM": ("masked-lm",),
        "ForSequenceClassification": ("text-classification",),
        "ForTokenClassification": ("token-classification",),
        "ForQuestionAnswering": ("question-answering",),
        "ForMultipleChoice": ("multiple-choice",),
        "Model": (),
    },
    ignored=("embeddings.position_ids", "embeddings.token_type_ids", "generator_lm_head.weight"),
)
