"""ModernBERT (Warner et al. 2024, arXiv 2412.13663)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bertkit.config.encoder import EncoderConfig, RotaryPositions
from bertkit.errors import ConfigError
from bertkit.families.contract import Derived, Family, HeadShape, Key, Weight, weight_and_bias
from bertkit.families.harmless import DROPOUT, because
from bertkit.families.spelling import (
    ACTIVATION,
    ENDINGS,
    EVEN_HEADS,
    ROPE,
    TIED,
    read_activation,
    read_layers,
    refuse_scaled,
    write_activation,
    write_layers,
)
from bertkit.families.values import COUNT, LAYERS, NUMBER, RADIUS, REMEDY, ValueKind, optional

SIGHTS = {"full_attention": "G", "sliding_attention": "L"}
THETAS = {"full_attention": ("global_rope_theta", 160_000.0), "sliding_attention": ("local_rope_theta", 10_000.0)}
LISTED = optional(
    ValueKind(
        f"a list of {' and '.join(SIGHTS)}",
        lambda value: isinstance(value, list) and all(isinstance(kind, str) and kind in SIGHTS for kind in value),
    )
)
ROPES = optional(
    ValueKind(
        f'an object with one such as {{"rope_type": "default"}} for each of {", ".join(THETAS)}',
        lambda value: isinstance(value, dict) and all(kind in THETAS and ROPE.holds(value[kind]) for kind in value),
    )
)
CONSTANTS: dict[str, object] = {
    "positions": None,
    "gated": True,
    "segment_types": 0,
    "norm_at": "pre",
    "final_norm": True,
    "first_attention_norm": False,
    "hidden_dropout": 0.0,
    "pooler": False,
}


def size(layers: int, width: int, heads: int, ffn_width: int) -> EncoderConfig:
    """A published size."""
    return EncoderConfig(
        vocab_size=50368,
        width=width,
        heads=heads,
        ffn_width=ffn_width,
        layer_of_step=tuple(range(layers)),
        positions=None,
        rotary=RotaryPositions(length=8192, theta_global=160_000.0, theta_local=10_000.0),
        attention_pattern="GLL",
        window_radius=64,
        attention_bias=False,
        mlp_bias=False,
        norm_bias=False,
        norm_eps=1e-5,
        attention_dropout=0.0,
        gated=True,
        segment_types=0,
        norm_at="pre",
        final_norm=True,
        first_attention_norm=False,
        hidden_dropout=0.0,
        pooler=False,
    )


def read_pattern(values: Mapping[str, Any]) -> object:
    """Which steps see globally: listed one by one, or every n-th."""
    steps = LAYERS.read(values, "num_hidden_layers", 22)
    listed: Sequence[str] | None = LISTED.read(values, "layer_types", None)
    if listed is None:
        every = COUNT.read(values, "global_attn_every_n_layers", 3)
        return "G" + "L" * (min(every, steps) - 1)
    if len(listed) != steps:
        raise ConfigError(f"layer_types lists {len(listed)} layers, num_hidden_layers says {steps}", REMEDY)
    pattern = "".join(SIGHTS[kind] for kind in listed)
    periods = (period for period in range(1, len(pattern)) if _repeat(pattern[:period], len(pattern)) == pattern)
    return pattern[: next(periods, len(pattern))]


def write_pattern(config: EncoderConfig) -> Mapping[str, object]:
    """Every n-th where it is so, and the list."""
    pattern, steps = config.attention_pattern, len(config.layer_of_step)
    names = {ours: theirs for theirs, ours in SIGHTS.items()}
    every: dict[str, object] = {}
    if pattern == "G" + "L" * (len(pattern) - 1):
        every["global_attn_every_n_layers"] = len(pattern)
    return every | {"layer_types": [names[sight] for sight in _repeat(pattern, steps)]}


def _repeat(pattern: str, length: int) -> str:
    return (pattern * length)[:length]


def read_theta(kind: str, values: Mapping[str, Any]) -> object:
    """The base of the angles in steps of this kind, in the words of either version of the library.

    In old files a local base of null is the global one.
    """
    rope = (ROPES.read(values, "rope_parameters", None) or {}).get(kind) or {"rope_type": "default"}
    rope = rope | (ROPE.read(values, "rope_scaling", None) or {})
    refuse_scaled(rope)
    if "rope_theta" in rope:
        return rope["rope_theta"]
    name, default = THETAS[kind]
    return (NUMBER if kind == "full_attention" else optional(NUMBER)).read(values, name, default)


def write_thetas(config: EncoderConfig) -> dict[str, object]:
    """Both bases, as both versions of the library read them."""
    assert config.rotary is not None
    bases = (config.rotary.theta_global, config.rotary.theta_local or config.rotary.theta_global)
    parameters = {kind: {"rope_type": "default", "rope_theta": base} for kind, base in zip(THETAS, bases, strict=True)}
    old = {name: base for (name, _), base in zip(THETAS.values(), bases, strict=True)}
    return {"rope_parameters": parameters, **old}


def read_rotary(values: Mapping[str, Any]) -> object:
    """Rotary positions."""
    return {
        "length": COUNT.read(values, "max_position_embeddings", 8192),
        "theta_global": read_theta("full_attention", values),
        "theta_local": read_theta("sliding_attention", values),
    }


def write_rotary(config: EncoderConfig) -> Mapping[str, object]:
    """Length and bases."""
    assert config.rotary is not None
    return {"max_position_embeddings": config.rotary.length, **write_thetas(config)}


def read_radius(values: Mapping[str, Any]) -> object:
    """Tokens on either side: half the width of the window, or what an old name of the same says."""
    if "sliding_window" in values:
        return RADIUS.read(values, "sliding_window", None)
    return RADIUS.read(values, "local_attention", 128) // 2


def write_radius(config: EncoderConfig) -> Mapping[str, object]:
    """The width of the window."""
    return {} if config.window_radius is None else {"local_attention": 2 * config.window_radius}


CLASSIFIER = (
    Weight("dense.weight", ("head.dense.weight",)),
    Weight("norm.weight", ("head.norm.weight",)),
    Weight("norm.bias", ("head.norm.bias",), needs="norm_bias"),
    *weight_and_bias("classifier", "classifier"),
)

TRANSFORM: dict[str, object] = {"classifier_bias": False, "classifier_activation": "gelu"}  # what all heads have
TEXT_CLASSIFIER = HeadShape(
    CLASSIFIER,
    reads="first",
    activation="gelu",
    reads_key="classifier_pooling",
    reads_words={"cls": "first", "mean": "mean"},
    fixed=TRANSFORM,
)

FAMILY = Family(
    name="modernbert",
    class_names={"modernbert": "ModernBert"},
    changes="rotary positions, two of three steps see 64 tokens on either side, pre-norm, gated, no biases",
    presets={"base": size(22, 768, 12, 1152), "large": size(28, 1024, 16, 2624)},
    keys=(
        Key("vocab_size", "vocab_size", 50368),
        Key("hidden_size", "width", 768),
        Key("num_hidden_layers", "layer_of_step", 22, read_layers, write_layers, LAYERS),
        Key("num_attention_heads", "heads", 12),
        Key("intermediate_size", "ffn_width", 1152),
        Key("hidden_activation", "activation", "gelu", read_activation, write_activation, ACTIVATION),
        Derived(("local_attention", "sliding_window"), "window_radius", read_radius, write_radius),
        Derived(("layer_types", "global_attn_every_n_layers"), "attention_pattern", read_pattern, write_pattern),
        Derived(
            ("max_position_embeddings", "rope_parameters", "rope_scaling", "global_rope_theta", "local_rope_theta"),
            "rotary",
            read_rotary,
            write_rotary,
        ),
        Key("norm_eps", "norm_eps", 1e-5),
        Key("norm_bias", "norm_bias", False),
        Key("attention_bias", "attention_bias", False),
        Key("mlp_bias", "mlp_bias", False),
        Key("attention_dropout", "attention_dropout", 0.0),
        Key("initializer_range", "initializer_range", 0.02),
    ),
    constants=CONSTANTS,
    implied=EVEN_HEADS,
    harmless=because(DROPOUT, "classifier_dropout embedding_dropout mlp_dropout")
    | because("what weights begin as; the checkpoint has what they became", "initializer_cutoff_factor")
    | because("norm_eps says it", "layer_norm_eps")
    | because("its positions are rotary, whatever this says", "position_embedding_type")
    | because(
        "how the library computes the same numbers",
        "deterministic_flash_attn reference_compile repad_logits_with_grad sparse_prediction sparse_pred_ignore_index",
    ),
    prefix="model.",
    encoder=(
        Weight("embeddings.token.weight", ("embeddings.tok_embeddings.weight",)),
        *weight_and_bias("embeddings.norm", "embeddings.norm"),
        *weight_and_bias("layers.{layer}.attention_norm", "layers.{layer}.attn_norm"),
        *weight_and_bias("layers.{layer}.attention.qkv", "layers.{layer}.attn.Wqkv"),
        *weight_and_bias("layers.{layer}.attention.output", "layers.{layer}.attn.Wo"),
        *weight_and_bias("layers.{layer}.mlp_norm", "layers.{layer}.mlp_norm"),
        *weight_and_bias("layers.{layer}.mlp.up", "layers.{layer}.mlp.Wi"),
        *weight_and_bias("layers.{layer}.mlp.down", "layers.{layer}.mlp.Wo"),
        *weight_and_bias("final_norm", "final_norm"),
    ),
    heads={
        "masked-lm": HeadShape(
            (
                Weight("dense.weight", ("head.dense.weight",)),
                Weight("norm.weight", ("head.norm.weight",)),
                Weight("norm.bias", ("head.norm.bias",), needs="norm_bias"),
                Weight("bias", ("decoder.bias",)),
            ),
            activation="gelu",
            fixed={**TRANSFORM, **TIED, "decoder_bias": True},
        ),
        "text-classification": TEXT_CLASSIFIER,
        "token-classification": HeadShape(CLASSIFIER, activation="gelu", fixed=TRANSFORM),
        "question-answering": HeadShape(CLASSIFIER, activation="gelu", fixed=TRANSFORM),
        "multiple-choice": TEXT_CLASSIFIER,
    },
    architectures=ENDINGS,
    ignored=("decoder.weight",),
)
