"""ELECTRA (Clark et al. 2020, arXiv 2003.10555): a discriminator, and the generator that it was trained against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bertkit.config.encoder import EncoderConfig
from bertkit.families.contract import Derived, Family, HeadShape, Weight, weight_and_bias
from bertkit.families.spelling import (
    ANSWER_SPAN,
    BERT_LAYER,
    BUFFERS,
    CLASSIFIER,
    EMBEDDING_NORM,
    ENDINGS,
    PLAIN_ENCODER,
    POSITIONS,
    SEGMENTS,
    TOKEN_CLASSIFIER,
    TOKENS,
    bert_keys,
    first_token_classifier,
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
        *bert_keys(hidden_size=256, num_attention_heads=4, intermediate_size=1024),
        Derived(("embedding_size",), "embed_width", read_embed_width, write_embed_width),
    ),
    constants={"pooler": False},
    fixed={
        **PLAIN_ENCODER,
        "summary_type": "first",
        "summary_use_proj": True,
        "summary_activation": "gelu",
    },
    harmless=frozenset("use_cache classifier_dropout summary_last_dropout".split()),
    prefix="electra.",
    encoder=(
        TOKENS,
        POSITIONS,
        SEGMENTS,
        *EMBEDDING_NORM,
        *weight_and_bias("embeddings.projection", "embeddings_project"),
        *BERT_LAYER,
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
        "text-classification": first_token_classifier("gelu"),
        "token-classification": TOKEN_CLASSIFIER,
        "question-answering": ANSWER_SPAN,
        "multiple-choice": HeadShape(
            (*weight_and_bias("dense", "sequence_summary.summary"), *CLASSIFIER),
            reads="first",
            activation="gelu",
        ),
    },
    architectures={"ForPreTraining": ("replaced-token-detection",), **ENDINGS},
    ignored=(*BUFFERS, "generator_lm_head.weight"),
)
