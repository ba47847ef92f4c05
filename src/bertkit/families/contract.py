"""What a family is: data that says how its published checkpoints spell an encoder. Torch-free.

A family never computes. It names its sizes, the keys of its `config.json`, and the tensors of its checkpoints, each as
a table that is used in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bertkit.config.encoder import EncoderConfig


def _same(value: object) -> object:
    return value


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the family's `config.json` and the field of `EncoderConfig` that it sets.

    `field` may be dotted (`positions.length`). `default` is what the family's own library assumes without the key.
    """

    theirs: str
    field: str
    default: object
    read: Callable[[object], object] = _same
    write: Callable[[object], object] = _same


@dataclass(frozen=True, slots=True)
class Weight:
    """One tensor of ours and the tensor, or tensors, of theirs that it is made of.

    Several names mean: stacked in this order along the first axis. `{layer}` stands for a layer's number.
    `aliases` are other names under which checkpoints carry a copy of the same tensor.
    """

    ours: str
    theirs: tuple[str, ...]
    aliases: tuple[str, ...] = ()


def weight_and_bias(ours: str, *theirs: str) -> tuple[Weight, Weight]:
    """The two rows of a module that has a `weight` and a `bias`."""
    weight, bias = (Weight(f"{ours}.{part}", tuple(f"{name}.{part}" for name in theirs)) for part in ("weight", "bias"))
    return weight, bias


@dataclass(frozen=True, slots=True)
class TensorFlowName:
    """One tensor's name in the hub's layout (without the family's prefix) and in the authors' TensorFlow checkpoints.

    What stands in braces (`{layer}`, `{group}`) is a number, the same in both. `transposed`: their axes are the other
    way round, as those of every `kernel` are. Of several rows for one name the first is used.
    """

    hub: str
    theirs: str
    transposed: bool = False


def dense_names(hub: str, theirs: str) -> tuple[TensorFlowName, TensorFlowName]:
    """The two rows of a dense layer: TensorFlow's `kernel` is (in, out), a `weight` is (out, in)."""
    kernel = TensorFlowName(f"{hub}.weight", f"{theirs}/kernel", transposed=True)
    return kernel, TensorFlowName(f"{hub}.bias", f"{theirs}/bias")


def norm_names(hub: str, theirs: str) -> tuple[TensorFlowName, TensorFlowName]:
    """The two rows of a layer normalisation."""
    return TensorFlowName(f"{hub}.weight", f"{theirs}/gamma"), TensorFlowName(f"{hub}.bias", f"{theirs}/beta")


def output_names(hub: str, theirs: str) -> tuple[TensorFlowName, TensorFlowName]:
    """The two rows of an output layer as Google's programs spell it, its weights (out, in) as the hub's are."""
    weights = TensorFlowName(f"{hub}.weight", f"{theirs}output_weights")
    return weights, TensorFlowName(f"{hub}.bias", f"{theirs}output_bias")


@dataclass(frozen=True, slots=True)
class TensorFlowLayout:
    """How the family's authors published it for TensorFlow.

    Attributes:
        config_name: what their configuration file is called; its keys are those of `config.json`.
        constants: keys of `config.json` that their program does not read, because it knows the default only.
        names: tensors of the encoder and of every head.
    """

    config_name: str
    constants: frozenset[str]
    names: tuple[TensorFlowName, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """One family of encoders.

    Attributes:
        name: how people call it; also what error messages suggest.
        model_type: its `model_type` in `config.json`.
        presets: published sizes.
        keys: its configuration keys.
        fixed: keys that bertkit reads one value of; another value is another model, and an error.
        harmless: keys that change nothing an encoder computes.
        prefix: what the encoder's tensors are called inside a checkpoint that also has heads.
        encoder: tensors of the encoder.
        heads: tensors of each head, by the head's name; a checkpoint has the head when it has them all.
        old_endings: endings of tensor names in old checkpoints, and what they are called now.
        ignored: endings of tensor names that carry nothing (buffers, tied copies).
        tensorflow: the layout of its TensorFlow checkpoints; None where it was never published so.
    """

    name: str
    model_type: str
    presets: Mapping[str, EncoderConfig]
    keys: tuple[Key, ...]
    fixed: Mapping[str, object]
    harmless: frozenset[str]
    prefix: str
    encoder: tuple[Weight, ...]
    heads: Mapping[str, tuple[Weight, ...]]
    architectures: Mapping[str, tuple[str, ...]]
    old_endings: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    tensorflow: TensorFlowLayout | None = None
