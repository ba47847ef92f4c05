"""ELECTRA (Clark et al. 2020, arXiv 2003.10555): a discriminator, and the generator that it was trained against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bertkit.config.encoder import EncoderConfig
from bertkit.families.contract import (
    Derived,
    Family,
    HeadShape,
    TensorFlowLayout,
    TensorFlowName,
    Weight,
    dense_names,
    norm_names,
    weight_and_bias,
)
from bertkit.families.harmless import DROPOUT, because
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
    TIED,
    TOKEN_CLASSIFIER,
    TOKENS,
    bert_keys,
    embedding_names,
    first_token_classifier,
    layer_names,
)
from bertkit.families.values import COUNT


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
    width = COUNT.read(values, "embedding_size", 128)
    return None if width == COUNT.read(values, "hidden_size", 256) else width


def write_embed_width(config: EncoderConfig) -> Mapping[str, object]:
    """The width of the embeddings."""
    return {"embedding_size": config.token_width}


# What https://github.com/google-research/electra calls its variables. One checkpoint has both models, which share the
# embeddings unless they were trained with `untied_generator_embeddings`: then the generator's come later in the file,
# and the later of two tensors with one name is read. Fine-tuned heads have no name here: there they lie under their
# task's name, and the classifier of texts has no dense layer.
TENSORFLOW = TensorFlowLayout(
    config_name="electra_config.json",
    constants=frozenset({"layer_norm_eps"}),
    names=(
        *embedding_names("electra"),
        *dense_names("embeddings_project", "electra/embeddings_project"),
        *layer_names("electra"),
        *dense_names("discriminator_predictions.dense", "discriminator_predictions/dense"),
        *dense_names("discriminator_predictions.dense_prediction", "discriminator_predictions/dense_1"),
        *dense_names("discriminator_predictions.dense_prediction", "discriminator_predictions/dense_prediction"),
    ),
    by_architecture={
        "ForMaskedLM": (
            *embedding_names("electra"),
            *embedding_names("generator"),
            *dense_names("embeddings_project", "generator/embeddings_project"),
            *layer_names("generator"),
            *dense_names("generator_predictions.dense", "generator_predictions/dense"),
            *norm_names("generator_predictions.LayerNorm", "generator_predictions/LayerNorm"),
            TensorFlowName("generator_lm_head.bias", "generator_predictions/output_bias"),
        )
    },
)

# How its library makes one vector of a text in choosing among several, and there only.
SUMMARY = {
    "summary_type": "first",
    "summary_use_proj": True,
    "summary_activation": "gelu",
    "summary_proj_to_labels": False,
}

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
    fixed=PLAIN_ENCODER,
    harmless=because(DROPOUT, "classifier_dropout summary_first_dropout summary_last_dropout"),
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
            fixed=TIED,
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
            fixed=SUMMARY,
        ),
    },
    architectures={"ForPreTraining": ("replaced-token-detection",), **ENDINGS},
    ignored=(*BUFFERS, "generator_lm_head.weight"),
    tensorflow=TENSORFLOW,
)
