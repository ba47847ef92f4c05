"""DistilBERT (Sanh et al. 2019, arXiv 1910.01108)."""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig
from bertkit.families.contract import Family, HeadShape, Key, Weight, weight_and_bias
from bertkit.families.harmless import DROPOUT, because
from bertkit.families.spelling import (
    ACTIVATION,
    ANSWER_SPAN,
    BUFFERS,
    CLASSIFIER,
    EMBEDDING_NORM,
    ENDINGS,
    POSITIONS,
    TIED,
    TOKEN_CLASSIFIER,
    TOKENS,
    read_activation,
    read_layers,
    write_activation,
    write_layers,
)
from bertkit.families.values import LAYERS

LAYER = "transformer.layer.{layer}"
PRE_CLASSIFIED = (*weight_and_bias("dense", "pre_classifier"), *CLASSIFIER)

FAMILY = Family(
    name="distilbert",
    class_names={"distilbert": "DistilBert"},
    changes="half of BERT's layers, no segments, no pooler",
    presets={"base": EncoderConfig(layer_of_step=tuple(range(6)), segment_types=0, pooler=False)},
    keys=(
        Key("vocab_size", "vocab_size", 30522),
        Key("dim", "width", 768, aliases=("hidden_size",)),
        Key("n_layers", "layer_of_step", 6, read_layers, write_layers, LAYERS, aliases=("num_hidden_layers",)),
        Key("n_heads", "heads", 12, aliases=("num_attention_heads",)),
        Key("hidden_dim", "ffn_width", 3072),
        Key("max_position_embeddings", "positions.length", 512),
        Key("activation", "activation", "gelu", read_activation, write_activation, ACTIVATION),
        Key("dropout", "hidden_dropout", 0.1),
        Key("attention_dropout", "attention_dropout", 0.1),
        Key("initializer_range", "initializer_range", 0.02),
    ),
    constants={"segment_types": 0, "norm_eps": 1e-12, "pooler": False},
    harmless=because(DROPOUT, "qa_dropout seq_classif_dropout")
    | because("what positions begin as; the checkpoint has what they became", "sinusoidal_pos_embds")
    | because("always so", "tie_weights_"),
    prefix="distilbert.",
    encoder=(
        TOKENS,
        POSITIONS,
        *EMBEDDING_NORM,
        *weight_and_bias(
            "layers.{layer}.attention.qkv",
            f"{LAYER}.attention.q_lin",
            f"{LAYER}.attention.k_lin",
            f"{LAYER}.attention.v_lin",
        ),
        *weight_and_bias("layers.{layer}.attention.output", f"{LAYER}.attention.out_lin"),
        *weight_and_bias("layers.{layer}.attention_norm", f"{LAYER}.sa_layer_norm"),
        *weight_and_bias("layers.{layer}.mlp.up", f"{LAYER}.ffn.lin1"),
        *weight_and_bias("layers.{layer}.mlp.down", f"{LAYER}.ffn.lin2"),
        *weight_and_bias("layers.{layer}.mlp_norm", f"{LAYER}.output_layer_norm"),
    ),
    heads={
        "masked-lm": HeadShape(
            (
                *weight_and_bias("dense", "vocab_transform"),
                *weight_and_bias("norm", "vocab_layer_norm"),
                Weight("bias", ("vocab_projector.bias",)),
            ),
            fixed=TIED,
        ),
        "text-classification": HeadShape(PRE_CLASSIFIED, reads="first", activation="relu"),
        "token-classification": TOKEN_CLASSIFIER,
        "question-answering": ANSWER_SPAN,
        "multiple-choice": HeadShape(PRE_CLASSIFIED, reads="first", activation="relu"),
    },
    architectures=ENDINGS,
    ignored=(*BUFFERS, "vocab_projector.weight"),
)
