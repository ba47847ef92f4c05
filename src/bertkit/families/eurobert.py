"""EuroBERT (Boizard et al. 2025, arXiv 2503.05500): rotary positions, SwiGLU, RMS norms, as in recent decoders."""

from __future__ import annotations

from bertkit.config.encoder import EncoderConfig, RotaryPositions
from bertkit.families.contract import Family, HeadShape, Key, Weight, weight_and_bias
from bertkit.families.harmless import because
from bertkit.families.spelling import (
    ACTIVATION,
    CLASSIFIER,
    ENDINGS,
    EVEN_HEADS,
    TOKEN_CLASSIFIER,
    read_activation,
    read_layers,
    rotary_key,
    write_activation,
    write_layers,
)
from bertkit.families.values import LAYERS

LENGTH, THETA = 8192, 10_000.0


def size(layers: int, width: int, heads: int, kv_heads: int, ffn_width: int) -> EncoderConfig:
    """A published size."""
    return EncoderConfig(
        vocab_size=128256,
        width=width,
        heads=heads,
        kv_heads=kv_heads,
        ffn_width=ffn_width,
        gated=True,
        layer_of_step=tuple(range(layers)),
        segment_types=0,
        positions=None,
        rotary=RotaryPositions(length=LENGTH, theta_global=250_000.0),
        activation="silu",
        attention_bias=False,
        mlp_bias=False,
        norm="rms",
        norm_at="pre",
        norm_bias=False,
        norm_eps=1e-5,
        embedding_norm=False,
        final_norm=True,
        hidden_dropout=0.0,
        attention_dropout=0.0,
        pooler=False,
    )


LAYER = "layers.{layer}"

FAMILY = Family(
    name="eurobert",
    class_names={"eurobert": "EuroBert"},
    changes="rotary positions, pre-norm with RMS norms, gated feed-forward, fewer key heads, untied output",
    presets={
        "210m": size(12, 768, 12, 12, 3072),
        "610m": size(26, 1152, 18, 6, 4096),
        "2.1b": size(32, 2304, 18, 6, 6144),
    },
    keys=(
        Key("vocab_size", "vocab_size", 128256),
        Key("hidden_size", "width", 768),
        Key("num_hidden_layers", "layer_of_step", 12, read_layers, write_layers, LAYERS),
        Key("num_attention_heads", "heads", 12),
        Key("num_key_value_heads", "kv_heads", None),
        Key("intermediate_size", "ffn_width", 3072),
        rotary_key(LENGTH, THETA),
        Key("hidden_act", "activation", "silu", read_activation, write_activation, ACTIVATION),
        Key("rms_norm_eps", "norm_eps", 1e-5),
        Key("attention_dropout", "attention_dropout", 0.0),
        Key("initializer_range", "initializer_range", 0.02),
    ),
    constants={
        "positions": None,
        "gated": True,
        "segment_types": 0,
        "attention_bias": False,
        "mlp_bias": False,
        "norm": "rms",
        "norm_at": "pre",
        "norm_bias": False,
        "embedding_norm": False,
        "final_norm": True,
        "hidden_dropout": 0.0,
        "pooler": False,
    },
    fixed={"attention_bias": False, "mlp_bias": False},
    implied=EVEN_HEADS,
    harmless=because("how the library computes the same numbers", "pretraining_tp")
    | because("the tokenizer's files say it", "mask_token"),
    prefix="model.",
    encoder=(
        Weight("embeddings.token.weight", ("embed_tokens.weight",)),
        Weight("layers.{layer}.attention_norm.weight", (f"{LAYER}.input_layernorm.weight",)),
        Weight(
            "layers.{layer}.attention.qkv.weight",
            (
                f"{LAYER}.self_attn.q_proj.weight",
                f"{LAYER}.self_attn.k_proj.weight",
                f"{LAYER}.self_attn.v_proj.weight",
            ),
            by_heads=True,
        ),
        Weight("layers.{layer}.attention.output.weight", (f"{LAYER}.self_attn.o_proj.weight",)),
        Weight("layers.{layer}.mlp_norm.weight", (f"{LAYER}.post_attention_layernorm.weight",)),
        Weight("layers.{layer}.mlp.up.weight", (f"{LAYER}.mlp.gate_proj.weight", f"{LAYER}.mlp.up_proj.weight")),
        Weight("layers.{layer}.mlp.down.weight", (f"{LAYER}.mlp.down_proj.weight",)),
        Weight("final_norm.weight", ("norm.weight",)),
    ),
    heads={
        "masked-lm": HeadShape((Weight("decoder", ("lm_head.weight",)),), fixed={"tie_word_embeddings": False}),
        "text-classification": HeadShape(
            (*weight_and_bias("dense", "dense"), *CLASSIFIER),
            reads="late",
            activation="gelu",
            reads_key="classifier_pooling",
            reads_words={"bos": "first", "mean": "mean", "late": "late"},
        ),
        "token-classification": TOKEN_CLASSIFIER,
    },
    architectures=ENDINGS,
    ignored=("inv_freq",),
)
