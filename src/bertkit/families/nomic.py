"""Nomic BERT (Nussbaum et al. 2024, arXiv 2402.01613), as the hub's library spells it."""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig, RotaryPositions
from bertkit.families.contract import Family, HeadShape, Weight, weight_and_bias
from bertkit.families.harmless import DROPOUT, because
from bertkit.families.spelling import (
    ENDINGS,
    EVEN_HEADS,
    POOLED_CLASSIFIER,
    POOLER,
    SEGMENTS,
    TIED,
    TOKEN_CLASSIFIER,
    TOKENS,
    bert_keys,
    rotary_key,
)

LENGTH, THETA = 2048, 1000.0

# What its authors' own program reads and the hub's library does not: other values are other models of theirs.
AUTHORS_KEYS: dict[str, object] = {
    "activation_function": "swiglu",
    "causal": False,
    "mlp_fc1_bias": False,
    "mlp_fc2_bias": False,
    "num_experts": 0,
    "parallel_block": False,
    "prenorm": False,
    "qkv_proj_bias": False,
    "rotary_emb_fraction": 1.0,
    "rotary_emb_interleaved": False,
    "use_rms_norm": False,
}

LAYER = "encoder.layers.{layer}"

FAMILY = Family(
    name="nomic_bert",
    class_names={"nomic_bert": "NomicBert"},
    changes="rotary positions, gated feed-forward, no biases but in the norms",
    presets={
        "embed-text-v1.5": EncoderConfig(
            vocab_size=30528,
            gated=True,
            positions=None,
            rotary=RotaryPositions(length=LENGTH, theta_global=THETA),
            activation="silu",
            attention_bias=False,
            mlp_bias=False,
            hidden_dropout=0.0,
            attention_dropout=0.0,
            pooler=False,
        )
    },
    keys=(
        *bert_keys(
            without=("max_position_embeddings",),
            vocab_size=30528,
            hidden_act="silu",
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        ),
        rotary_key(LENGTH, THETA),
    ),
    constants={"positions": None, "gated": True, "attention_bias": False, "mlp_bias": False},
    other_programs=AUTHORS_KEYS,
    implied=EVEN_HEADS,
    harmless=because(DROPOUT, "classifier_dropout"),
    prefix="nomic_bert.",
    encoder=(
        TOKENS,
        SEGMENTS,
        *weight_and_bias("embeddings.norm", "emb_ln"),
        Weight("layers.{layer}.attention.qkv.weight", (f"{LAYER}.attn.Wqkv.weight",)),
        Weight("layers.{layer}.attention.output.weight", (f"{LAYER}.attn.out_proj.weight",)),
        *weight_and_bias("layers.{layer}.attention_norm", f"{LAYER}.norm1"),
        Weight("layers.{layer}.mlp.up.weight", (f"{LAYER}.mlp.fc12.weight", f"{LAYER}.mlp.fc11.weight")),
        Weight("layers.{layer}.mlp.down.weight", (f"{LAYER}.mlp.fc2.weight",)),
        *weight_and_bias("layers.{layer}.mlp_norm", f"{LAYER}.norm2"),
        *POOLER,
    ),
    heads={
        "masked-lm": HeadShape(
            (
                *weight_and_bias("dense", "cls.predictions.transform.dense"),
                *weight_and_bias("norm", "cls.predictions.transform.layer_norm"),
                Weight("bias", ("cls.predictions.bias",), aliases=("cls.predictions.decoder.bias",)),
            ),
            fixed=TIED,
        ),
        "text-classification": POOLED_CLASSIFIER,
        "token-classification": TOKEN_CLASSIFIER,
    },
    architectures=ENDINGS,
    ignored=("cls.predictions.decoder.weight", "inv_freq"),
)
