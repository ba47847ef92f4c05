"""What a family is: data that says how its published checkpoints spell an encoder. Torch-free.

A family never computes. It names its sizes, the keys of its `config.json`, and the tensors of its checkpoints, each as
a table that is used in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bertkit.config.encoder import EncoderConfig, HeadActivation


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


Reads = Literal["tokens", "first", "mean", "pooler"]


@dataclass(frozen=True, slots=True)
class HeadShape:
    """A head: hidden states are read, maybe transformed, and mapped to a few numbers.

    Which parts a head has follows from its table: a row `dense.weight` means that it has a dense layer, `norm.bias`
    that its norm has a bias, and so on. Without `classifier` rows the last layer is the encoder's token table.

    Attributes:
        reads: every token, each sequence's first token or its mean, or the encoder's pooler.
        activation: after the dense layer; None means the encoder's own.
        reads_key: the key of `config.json`, if there is one, that says `cls` or `mean` instead of `reads`.
    """

    weights: tuple[Weight, ...]
    reads: Reads = "tokens"
    activation: HeadActivation | None = None
    reads_key: str | None = None

    def has(self, part: str) -> bool:
        """Whether the head has a tensor called `part`."""
        return any(row.ours == part for row in self.weights)


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
        heads: the heads, by task; a checkpoint has the one whose tensors it has, all of them.
        architectures: names under which its library opens checkpoints, and the heads that each has. They decide where
            tensors do not: a classifier of texts and one of tokens are called the same.
        old_endings: endings of tensor names in old checkpoints, and what they are called now.
        ignored: endings of tensor names that carry nothing (buffers, tied copies).
    """

    name: str
    model_type: str
    presets: Mapping[str, EncoderConfig]
    keys: tuple[Key, ...]
    fixed: Mapping[str, object]
    harmless: frozenset[str]
    prefix: str
    encoder: tuple[Weight, ...]
    heads: Mapping[str, HeadShape]
    architectures: Mapping[str, tuple[str, ...]]
    old_endings: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
