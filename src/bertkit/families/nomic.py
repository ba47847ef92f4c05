"""Nomic BERT (Nussbaum et al. 2024, arXiv 2402.01613), as the hub's library spells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bertkit.config.encoder import EncoderConfig, RotaryPositions
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

LENGTH, THETA = 2048, 1000.0


def read_rotary(values: Mapping[str, Any]) -> object:
    """Rotary positions; scaled ones are another model, and the configuration refuses them."""
    parameters = values.get("rope_parameters") or {}
    return {
        "scaling": (values.get("rope_scaling") or parameters).get("rope_type", "default"),
        "length": values.get("max_position_embeddings", LENGTH),
        "theta_global": parameters.get("rope_theta", values.get("rope_theta", THETA)),
    }


def write_rotary(config: EncoderConfig) -> Mapping[str, object]:
    """Length and base."""
    assert config.rotary is not None
    theta = config.rotary.theta_global
    parameters = {"rope_type": "default", "rope_theta": theta}
    return {"max_position_embeddings": config.rotary.length, "rope_parameters": parameters, "rope_theta": theta}


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
        Key("vocab_size", "vocab_size", 30528),
        Key("hidden_size", "width", 768),
        Key("num_hidden_layers", "layer_of_step", 12, read_layers, write_layers),
        Key("num_attention_heads", "heads", 12),
        Key("intermediate_size", "ffn_width", 3072),
        Derived(
            ("max_position_embeddings", "rope_parameters", "rope_scaling", "rope_theta"),
            "rotary",
            read_rotary,
            write_rotary,
        ),
        Key("type_vocab_size", "segment_types", 2),
        Key("hidden_act", "activation", "silu", read_activation, write_activation),
        Key("layer_norm_eps", "norm_eps", 1e-12),
        Key("hidden_dropout_prob", "hidden_dropout", 0.0),
        Key("attention_probs_dropout_prob", "attention_dropout", 0.0),
        Key("initializer_range", "initializer_range", 0.02),
    ),
    constants={"positions": None, "gated": True, "attention_bias": False, "mlp_bias": False},
    fixed={"tie_word_embeddings": True},
    harmless=frozenset("classifier_dropout head_dim".split()),
    prefix="nomic_bert.",
    encoder=(
        Weight("embeddings.token.weight", ("embeddings.word_embeddings.weight",)),
        Weight("embeddings.segment.weight", ("embeddings.token_type_embeddings.weight",)),
        *weight_and_bias("embeddings.norm", "emb_ln"),
        Weight("layers.{layer}.attention.qkv.weight", (f"{LAYER}.attn.Wqkv.weight",)),
        Weight("layers.{layer}.attention.output.weight", (f"{LAYER}.attn.out_proj.weight",)),
        *weight_and_bias("layers.{layer}.attention_norm", f"{LAYER}.norm1"),
        Weight("layers.{layer}.mlp.up.weight", (f"{LAYER}.mlp.fc12.weight", f"{LAYER}.mlp.fc11.weight")),
        Weight("layers.{layer}.mlp.down.weight", (f"{LAYER}.mlp.fc2.weight",)),
        *weight_and_bias("layers.{layer}.mlp_norm", f"{LAYER}.norm2"),
        *weight_and_bias("pooler.dense", "pooler.dense"),
    ),
    heads={
        "masked-lm": HeadShape(
            (
                *weight_and_bias("dense", "cls.predictions.transform.dense"),
                *weight_and_bias("norm", "cls.predictions.transform.layer_norm"),
                Weight("bias", ("cls.predictions.bias",), aliases=("cls.predictions.decoder.bias",)),
            )
        ),
        "text-classification": HeadShape(weight_and_bias("classifier", "classifier"), reads="pooler"),
        "token-classification": HeadShape(weight_and_bias("classifier", "classifier")),
    },
    architectures={
        "ForMaskedLM": ("masked-lm",),
        "ForSequenceClassification": ("text-classification",),
        "ForTokenClassification": ("token-classification",),
        "Model": (),
    },
    ignored=("cls.predictions.decoder.weight", "inv_freq"),
)
