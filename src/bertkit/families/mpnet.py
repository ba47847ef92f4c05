"""MPNet (Song et al. 2020, arXiv 2004.09297), the encoder of many sentence-embedding models."""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig, LearnedPositions, RelativeBias
from bertkit.families.contract import (
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

LAYER = "encoder.layer.{layer}"
CLASSIFIER = weight_and_bias("classifier", "classifier")

FAMILY = Family(
    name="mpnet",
    class_names={"mpnet": "MPNet"},
    changes="a learned bias by distance in every attention, positions begin at 2, no segments",
    presets={
        "base": EncoderConfig(
            vocab_size=30527,
            segment_types=0,
            positions=LearnedPositions(length=514, offset=2),
            relative_bias=RelativeBias(),
            norm_eps=1e-5,
        )
    },
    keys=(
        Key("vocab_size", "vocab_size", 30527),
        Key("hidden_size", "width", 768),
        Key("num_hidden_layers", "layer_of_step", 12, read_layers, write_layers),
        Key("num_attention_heads", "heads", 12),
        Key("intermediate_size", "ffn_width", 3072),
        Key("max_position_embeddings", "positions.length", 512),
        Key("relative_attention_num_buckets", "relative_bias.buckets", 32),
        Key("hidden_act", "activation", "gelu", read_activation, write_activation),
        Key("layer_norm_eps", "norm_eps", 1e-12),
        Key("hidden_dropout_prob", "hidden_dropout", 0.1),
        Key("attention_probs_dropout_prob", "attention_dropout", 0.1),
        Key("initializer_range", "initializer_range", 0.02),
    ),
    # Its library uses 32 buckets whatever the table's size, and counts positions from 2 on whatever the padding token.
    constants={"segment_types": 0, "positions": {"offset": 2}},
    fixed={"tie_word_embeddings": True, "relative_attention_num_buckets": 32},
    prefix="mpnet.",
    encoder=(
        Weight("embeddings.token.weight", ("embeddings.word_embeddings.weight",)),
        Weight("embeddings.position.weight", ("embeddings.position_embeddings.weight",)),
        *weight_and_bias("embeddings.norm", "embeddings.LayerNorm"),
        Weight("distance_bias.table.weight", ("encoder.relative_attention_bias.weight",)),
        *weight_and_bias(
            "layers.{layer}.attention.qkv",
            f"{LAYER}.attention.attn.q",
            f"{LAYER}.attention.attn.k",
            f"{LAYER}.attention.attn.v",
        ),
        *weight_and_bias("layers.{layer}.attention.output", f"{LAYER}.attention.attn.o"),
        *weight_and_bias("layers.{layer}.attention_norm", f"{LAYER}.attention.LayerNorm"),
        *weight_and_bias("layers.{layer}.mlp.up", f"{LAYER}.intermediate.dense"),
        *weight_and_bias("layers.{layer}.mlp.down", f"{LAYER}.output.dense"),
        *weight_and_bias("layers.{layer}.mlp_norm", f"{LAYER}.output.LayerNorm"),
        *weight_and_bias("pooler.dense", "pooler.dense"),
    ),
    heads={
        "masked-lm": HeadShape(
            (
                *weight_and_bias("dense", "lm_head.dense"),
                *weight_and_bias("norm", "lm_head.layer_norm"),
                Weight("bias", ("lm_head.bias",), aliases=("lm_head.decoder.bias",)),
            ),
            activation="gelu",
        ),
        "text-classification": HeadShape(
            (*weight_and_bias("dense", "classifier.dense"), *weight_and_bias("classifier", "classifier.out_proj")),
            reads="first",
            activation="tanh",
        ),
        "token-classification": HeadShape(CLASSIFIER),
        "question-answering": HeadShape(weight_and_bias("classifier", "qa_outputs")),
        "multiple-choice": HeadShape(CLASSIFIER, reads="pooler"),
    },
    architectures={
        "ForMaskedLM": ("masked-lm",),
        "ForSequenceClassification": ("text-classification",),
        "ForTokenClassification": ("token-classification",),
        "ForQuestionAnswering": ("question-answering",),
        "ForMultipleChoice": ("multiple-choice",),
        "Model": (),
    },
    ignored=("embeddings.position_ids", "lm_head.decoder.weight"),
)
