"""What a family is: data that says how its published checkpoints spell an encoder. Torch-free.

A family never computes. It names its sizes, the keys of its `config.json`, and the tensors of its checkpoints, each as
a table that is used in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bertkit.config.encoder import EncoderConfig, HeadActivation
from bertkit.families.values import ANYTHING, ValueKind


def _same(value: object) -> object:
    return value


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the family's `config.json` and the field of `EncoderConfig` that it sets.

    `field` may be dotted (`positions.length`). `default` is what the family's own library assumes without the key.
    `kind` is what the value must be before `read` sees it; where nothing is read, the configuration's field says it.
    `aliases` are other names that the family's library has for the key; where a file has one too, it is the one read.
    """

    theirs: str
    field: str
    default: object
    read: Callable[[object], object] = _same
    write: Callable[[object], object] = _same
    kind: ValueKind = ANYTHING
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Derived:
    """Several keys of the family's `config.json` that together set one field of `EncoderConfig`.

    `read` gets all values of the file and checks, by a `ValueKind`, each that it reads. `write` gives the keys that say
    the field: not those that only old files have.
    """

    theirs: tuple[str, ...]
    field: str
    read: Callable[[Mapping[str, Any]], object]
    write: Callable[[EncoderConfig], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Weight:
    """One tensor of ours and the tensor, or tensors, of theirs that it is made of.

    Several names mean: stacked in this order along the first axis, in equal parts or, `by_heads`, as the heads of
    queries, keys and values are. `{layer}` stands for a layer's number. `aliases` are other names under which
    checkpoints carry a copy of the same tensor. A row with `needs` is there only where that field of the encoder's
    configuration is true.
    """

    ours: str
    theirs: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    by_heads: bool = False
    needs: str | None = None

    def is_in(self, config: EncoderConfig) -> bool:
        """Whether an encoder of this configuration has the tensor."""
        return self.needs is None or bool(getattr(config, self.needs))


def weight_and_bias(ours: str, *theirs: str) -> tuple[Weight, Weight]:
    """The two rows of a module that has a `weight` and a `bias`."""
    weight, bias = (Weight(f"{ours}.{part}", tuple(f"{name}.{part}" for name in theirs)) for part in ("weight", "bias"))
    return weight, bias


Reads = Literal["tokens", "first", "mean", "late", "pooler"]


@dataclass(frozen=True, slots=True)
class HeadShape:
    """A head: hidden states are read, maybe transformed, and mapped to a few numbers.

    Which parts a head has follows from its table: a row `dense.weight` means that it has a dense layer, `norm.bias`
    that its norm has a bias, and so on. Without `classifier` rows the last layer is the encoder's token table.

    Attributes:
        weights: its tensors.
        reads: every token, each sequence's first token or its mean, every token and the mean of the numbers (`late`),
            or the encoder's pooler.
        activation: after the dense layer; None means the encoder's own.
        standardised: whether the rows that it reads are brought to mean 0 and deviation 1 (a norm without weights).
        reads_key: the key of `config.json`, if there is one, that says what is read instead.
        reads_words: the words that it says it by.
        fixed: keys of `config.json` that only this head hangs on, and the one value with which it is the head that
            bertkit computes; with another, a checkpoint is read without it.
    """

    weights: tuple[Weight, ...]
    reads: Reads = "tokens"
    activation: HeadActivation | None = None
    reads_key: str | None = None
    standardised: bool = False
    reads_words: Mapping[str, Reads] = field(default_factory=dict)
    fixed: Mapping[str, object] = field(default_factory=dict)

    def has(self, part: str, config: EncoderConfig) -> bool:
        """Whether the head of such an encoder has a tensor called `part`."""
        return any(row.ours == part and row.is_in(config) for row in self.weights)


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
        values: keys whose value means something else there: their word, and the hub's word for the same.
        by_architecture: for a family that keeps several models in one checkpoint, the names that replace `names` for
            some endings of its library's class names.
    """

    config_name: str
    constants: frozenset[str]
    names: tuple[TensorFlowName, ...]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    by_architecture: Mapping[str, tuple[TensorFlowName, ...]] = field(default_factory=dict)

    def table(self, ending: str) -> tuple[TensorFlowName, ...]:
        """The names for a class of this ending; an empty one where it is not known."""
        return self.by_architecture.get(ending, self.names)


@dataclass(frozen=True, slots=True)
class Family:
    """One family of encoders.

    Attributes:
        name: how people call it; also what error messages suggest.
        class_names: its `model_type`s in `config.json`, and how its library's classes for each begin.
        changes: in a few words, what it computes otherwise than BERT.
        presets: published sizes.
        keys: its configuration keys.
        constants: fields of `EncoderConfig` that are the same for all of the family.
        fixed: keys that bertkit reads one value of; another value is another model, and an error.
        other_programs: as `fixed`: keys that other programs than its library read, and that are never written.
        implied: keys that say again what others have said, and the value that follows from the encoder; as `fixed`.
        harmless: keys that change nothing that is computed here, and why. A key that is in no table is one that the
            family's library does not read either.
        prefix: what the encoder's tensors are called inside a checkpoint that also has heads.
        encoder: tensors of the encoder.
        heads: the heads, by task; a checkpoint has the one whose tensors it has, all of them.
        architectures: endings of its library's class names, and the heads that each has. They decide where tensors do
            not: a classifier of texts and one of tokens are called the same.
        layer_place: what stands for `{layer}` in its names, given our layer's number and the file's configuration.
        old_endings: endings of tensor names in old checkpoints, and what they are called now.
        ignored: endings of tensor names that carry nothing (buffers, tied copies).
        tensorflow: the layout of its TensorFlow checkpoints; None where it was never published so.
    """

    name: str
    class_names: Mapping[str, str]
    changes: str
    presets: Mapping[str, EncoderConfig]
    keys: tuple[Key | Derived, ...]
    prefix: str
    encoder: tuple[Weight, ...]
    heads: Mapping[str, HeadShape]
    architectures: Mapping[str, tuple[str, ...]]
    constants: Mapping[str, object] = field(default_factory=dict)
    fixed: Mapping[str, object] = field(default_factory=dict)
    other_programs: Mapping[str, object] = field(default_factory=dict)
    implied: Mapping[str, Callable[[EncoderConfig], object]] = field(default_factory=dict)
    harmless: Mapping[str, str] = field(default_factory=dict)
    layer_place: Callable[[int, Mapping[str, Any]], str] = lambda layer, values: str(layer)
    old_endings: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    tensorflow: TensorFlowLayout | None = None

    @property
    def assumed(self) -> dict[str, object]:
        """The fixed keys, those of every head too: what is true of a model that has nothing else to say about them."""
        return {**self.fixed, **{name: value for head in self.heads.values() for name, value in head.fixed.items()}}
