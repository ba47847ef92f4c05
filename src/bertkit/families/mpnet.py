"""MPNet (Song et al. 2020, arXiv 2004.09297), the encoder of many sentence-embedding models."""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig, LearnedPositions, RelativeBias
from bertkit.families.contract import Family, Key, Weight, weight_and_bias
from bertkit.families.spelling import (
    ANSWER_SPAN,
    BERT_MLP,
    BUFFERS,
    EMBEDDING_NORM,
    ENDINGS,
    LM_HEAD,
    POOLED_CLASSIFIER,
    POOLER,
    POSITIONS,
    TOKEN_CLASSIFIER,
    TOKENS,
    bert_keys,
    first_token_classifier,
)

LAYER = "encoder.layer.{layer}"

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
        *bert_keys(without=("type_vocab_size",), vocab_size=30527),
        Key("relative_attention_num_buckets", "relative_bias.buckets", 32),
    ),
    # Its library uses 32 buckets whatever the table's size, and counts positions from 2 on whatever the padding token.
    constants={"segment_types": 0, "positions": {"offset": 2}},
    fixed={"relative_attention_num_buckets": 32},
    prefix="mpnet.",
    encoder=(
        TOKENS,
        POSITIONS,
        *EMBEDDING_NORM,
        Weight("distance_bias.table.weight", ("encoder.relative_attention_bias.weight",)),
        *weight_and_bias(
            "layers.{layer}.attention.qkv",
            f"{LAYER}.attention.attn.q",
            f"{LAYER}.attention.attn.k",
            f"{LAYER}.attention.attn.v",
        ),
        *weight_and_bias("layers.{layer}.attention.output", f"{LAYER}.attention.attn.o"),
        *weight_and_bias("layers.{layer}.attention_norm", f"{LAYER}.attention.LayerNorm"),
        *BERT_MLP,
        *POOLER,
    ),
    heads={
        "masked-lm": LM_HEAD,
        "text-classification": first_token_classifier("tanh"),
        "token-classification": TOKEN_CLASSIFIER,
        "question-answering": ANSWER_SPAN,
        "multiple-choice": POOLED_CLASSIFIER,
    },
    architectures=ENDINGS,
    ignored=(*BUFFERS, "lm_head.decoder.weight"),
)
