"""What several families spell alike: keys, tensors and heads that their library copied from BERT's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bertkit.config.encoder import EncoderConfig, HeadActivation
from bertkit.errors import ConfigError
from bertkit.families.contract import (
    Derived,
    HeadShape,
    Key,
    TensorFlowName,
    Weight,
    dense_names,
    norm_names,
    weight_and_bias,
)
from bertkit.families.values import COUNT, LAYERS, NUMBER, ValueKind, is_above_0, one_of, optional


def read_layers(count: Any) -> object:
    """A number of layers (`LAYERS`) as the order in which they are used."""
    return tuple(range(count))


def write_layers(layer_of_step: Any) -> object:
    """The number of layers, each used once."""
    return len(layer_of_step)


# Their names of activations and ours; of several for one of ours the first is written. All are the same function
# within rounding; what their library has besides (`quick_gelu`, `gelu_10`, `mish` …) is none of ours.
ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_python_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_accurate": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
ACTIVATION = one_of(ACTIVATIONS)


def read_activation(name: Any) -> object:
    """Their name of an activation (`ACTIVATION`) in ours."""
    return ACTIVATIONS[name]


def write_activation(name: object) -> object:
    """Our name of an activation in theirs."""
    return next(theirs for theirs, ours in ACTIVATIONS.items() if ours == name)


def bert_keys(*, without: tuple[str, ...] = (), **defaults: object) -> tuple[Key, ...]:
    """BERT's keys.

    Args:
        without: keys that the family does not have, or reads in a way of its own.
        defaults: what its library assumes where that is not what BERT's does.
    """
    keys = (
        Key("vocab_size", "vocab_size", 30522),
        Key("hidden_size", "width", 768),
        Key("num_hidden_layers", "layer_of_step", 12, read_layers, write_layers, LAYERS),
        Key("num_attention_heads", "heads", 12),
        Key("intermediate_size", "ffn_width", 3072),
        Key("max_position_embeddings", "positions.length", 512),
        Key("type_vocab_size", "segment_types", 2),
        Key("hidden_act", "activation", "gelu", read_activation, write_activation, ACTIVATION),
        Key("layer_norm_eps", "norm_eps", 1e-12),
        Key("hidden_dropout_prob", "hidden_dropout", 0.1),
        Key("attention_probs_dropout_prob", "attention_dropout", 0.1),
        Key("initializer_range", "initializer_range", 0.02),
    )
    return tuple(
        replace(key, default=defaults.get(key.theirs, key.default)) for key in keys if key.theirs not in without
    )


def _is_rope(value: object) -> bool:
    return (
        isinstance(value, dict)
        and all(isinstance(value.get(name, ""), str) for name in ("rope_type", "type"))
        and ("rope_theta" not in value or is_above_0(value["rope_theta"]))
    )


ROPE = optional(ValueKind('an object such as {"rope_type": "default", "rope_theta": 10000.0}', _is_rope))


def refuse_scaled(rope: Mapping[str, Any]) -> None:
    """Refuse angles that are scaled, as for contexts longer than those of training: they are another model.

    Raises:
        ConfigError: naming the kind of scaling.
    """
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        raise ConfigError(
            f"rope_type = {kind!r} is not supported (only 'default')",
            "Use a checkpoint without scaled angles; bertkit would compute other numbers than its author did.",
        )


def rotary_key(length: int, theta: float) -> Derived:
    """Rotary positions with one base for all steps.

    Args:
        length, theta: what the family's library assumes.
    """

    def read(values: Mapping[str, Any]) -> object:
        rope = ROPE.read(values, "rope_scaling", None) or ROPE.read(values, "rope_parameters", None) or {}
        refuse_scaled(rope)
        return {
            "length": COUNT.read(values, "max_position_embeddings", length),
            "theta_global": rope["rope_theta"] if "rope_theta" in rope else NUMBER.read(values, "rope_theta", theta),
        }

    def write(config: EncoderConfig) -> Mapping[str, object]:
        assert config.rotary is not None
        base = config.rotary.theta_global
        parameters = {"rope_type": "default", "rope_theta": base}
        return {"max_position_embeddings": config.rotary.length, "rope_parameters": parameters, "rope_theta": base}

    return Derived(("max_position_embeddings", "rope_parameters", "rope_scaling", "rope_theta"), "rotary", read, write)


# Of families whose library lets heads be wider than the model divided among them.
EVEN_HEADS: Mapping[str, Callable[[EncoderConfig], object]] = {"head_dim": lambda config: config.head_width}


# Other values of these keys are decoders, or encoders with another attention.
PLAIN_ENCODER: Mapping[str, object] = {
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
}
TIED: Mapping[str, object] = {"tie_word_embeddings": True}  # of a head whose last layer is the encoder's token table
OLD_NORMS = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")

TOKENS = Weight("embeddings.token.weight", ("embeddings.word_embeddings.weight",))
POSITIONS = Weight("embeddings.position.weight", ("embeddings.position_embeddings.weight",))
SEGMENTS = Weight("embeddings.segment.weight", ("embeddings.token_type_embeddings.weight",))
EMBEDDING_NORM = weight_and_bias("embeddings.norm", "embeddings.LayerNorm")
POOLER = weight_and_bias("pooler.dense", "pooler.dense")

_LAYER = "encoder.layer.{layer}"
BERT_MLP = (
    *weight_and_bias("layers.{layer}.mlp.up", f"{_LAYER}.intermediate.dense"),
    *weight_and_bias("layers.{layer}.mlp.down", f"{_LAYER}.output.dense"),
    *weight_and_bias("layers.{layer}.mlp_norm", f"{_LAYER}.output.LayerNorm"),
)
BERT_LAYER = (
    *weight_and_bias(
        "layers.{layer}.attention.qkv",
        *(f"{_LAYER}.attention.self.{part}" for part in ("query", "key", "value")),
    ),
    *weight_and_bias("layers.{layer}.attention.output", f"{_LAYER}.attention.output.dense"),
    *weight_and_bias("layers.{layer}.attention_norm", f"{_LAYER}.attention.output.LayerNorm"),
    *BERT_MLP,
)


def embedding_names(scope: str) -> tuple[TensorFlowName, ...]:
    """Embeddings as Google's programs call them inside a scope of variables."""
    return (
        TensorFlowName("embeddings.word_embeddings.weight", f"{scope}/embeddings/word_embeddings"),
        TensorFlowName("embeddings.position_embeddings.weight", f"{scope}/embeddings/position_embeddings"),
        TensorFlowName("embeddings.token_type_embeddings.weight", f"{scope}/embeddings/token_type_embeddings"),
        *norm_names("embeddings.LayerNorm", f"{scope}/embeddings/LayerNorm"),
    )


def layer_names(scope: str) -> tuple[TensorFlowName, ...]:
    """BERT's layers as Google's programs call them inside a scope of variables."""
    theirs = f"{scope}/encoder/layer_{{layer}}"
    return (
        *dense_names(f"{_LAYER}.attention.self.query", f"{theirs}/attention/self/query"),
        *dense_names(f"{_LAYER}.attention.self.key", f"{theirs}/attention/self/key"),
        *dense_names(f"{_LAYER}.attention.self.value", f"{theirs}/attention/self/value"),
        *dense_names(f"{_LAYER}.attention.output.dense", f"{theirs}/attention/output/dense"),
        *norm_names(f"{_LAYER}.attention.output.LayerNorm", f"{theirs}/attention/output/LayerNorm"),
        *dense_names(f"{_LAYER}.intermediate.dense", f"{theirs}/intermediate/dense"),
        *dense_names(f"{_LAYER}.output.dense", f"{theirs}/output/dense"),
        *norm_names(f"{_LAYER}.output.LayerNorm", f"{theirs}/output/LayerNorm"),
    )


CLASSIFIER = weight_and_bias("classifier", "classifier")
TOKEN_CLASSIFIER = HeadShape(CLASSIFIER)
POOLED_CLASSIFIER = HeadShape(CLASSIFIER, reads="pooler")
ANSWER_SPAN = HeadShape(weight_and_bias("classifier", "qa_outputs"))
LM_HEAD = HeadShape(
    (
        *weight_and_bias("dense", "lm_head.dense"),
        *weight_and_bias("norm", "lm_head.layer_norm"),
        Weight("bias", ("lm_head.bias",), aliases=("lm_head.decoder.bias",)),
    ),
    activation="gelu",
    fixed=TIED,
)


def first_token_classifier(activation: HeadActivation) -> HeadShape:
    """A classifier of texts with a dense layer of its own over the first token."""
    rows = (*weight_and_bias("dense", "classifier.dense"), *weight_and_bias("classifier", "classifier.out_proj"))
    return HeadShape(rows, reads="first", activation=activation)


# Endings of the library's class names, and the head that each has.
ENDINGS: Mapping[str, tuple[str, ...]] = {
    "ForMaskedLM": ("masked-lm",),
    "ForSequenceClassification": ("text-classification",),
    "ForTokenClassification": ("token-classification",),
    "ForQuestionAnswering": ("question-answering",),
    "ForMultipleChoice": ("multiple-choice",),
    "Model": (),
}
