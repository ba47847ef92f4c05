"""Which products are to blame for what a network of int8 answers differently: each is left out of it in turn.

Measured is the distance of the network's outputs from those in floating point, on a few batches, which is quick; the
task's metric is for the few that it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from torch import nn

from bertkit.batching.packed import PackedBatch
from bertkit.inference.backend import Outputs
from bertkit.inference.torch_backend import TorchBackend
from bertkit.model.int8_linear import Int8Linear
from bertkit.model.int8_machine import int8_kernels
from bertkit.model.linear import PackedLinear, as_usual, hand_on_bytes
from bertkit.model.mlp import MLP
from bertkit.model.network import Network
from bertkit.model.quantising import quantise_rows

AS_GOOD = 0.8  # of what leaving a product out gains, rows of their own scale must gain as much to be taken instead


@dataclass(frozen=True, slots=True)
class Blamed:
    """A product, and what the network's distance is without it.

    Attributes:
        name: our name of its weight.
        gain: of the distance with all of int8, the share that goes when it is in floating point.
        gain_by_rows: likewise, when each row that it reads has its own scale.
    """

    name: str
    gain: float
    gain_by_rows: float

    @property
    def by_rows(self) -> bool:
        """Whether scales of rows are enough."""
        return self.gain_by_rows > 0 and self.gain_by_rows >= AS_GOOD * self.gain


def blame(
    int8: Network, plain: Network, batches: Sequence[PackedBatch], expected: Sequence[Outputs]
) -> Iterator[Blamed]:
    """Each of the encoder's int8 products, in their order.

    Args:
        int8: the network, ready; it is the same afterwards.
        plain: the same in floating point.
        expected: what that gives for the batches.
    """
    backend = TorchBackend(int8)

    def distance() -> float:
        return distance_of([backend.run(batch) for batch in batches], expected)

    whole = max(distance(), 1e-12)
    products = {n: part for n, part in int8.encoder.named_modules() if isinstance(part, Int8Linear)}
    for name, part in products.items():
        kept = plain.encoder.get_submodule(name)
        assert isinstance(kept, PackedLinear)
        with in_its_place(int8.encoder, name, kept):
            gain = 1 - distance() / whole
        gain_by_rows = 0.0
        if part.weight_inputs is not None and gain > 0:
            with in_its_place(int8.encoder, name, by_rows(kept, part)):
                gain_by_rows = 1 - distance() / whole
        yield Blamed(f"{name}.weight", gain, gain_by_rows)


def distance_of(found: Sequence[Outputs], expected: Sequence[Outputs]) -> float:
    """The mean squared difference of outputs, in the mean square of what was expected."""
    pairs = [(f, e) for ours, theirs in zip(found, expected, strict=True) for f, e in zip(ours, theirs, strict=True)]
    off = sum(float(np.square(one - other, dtype=np.float64).sum()) for one, other in pairs)
    return off / max(sum(float(np.square(other, dtype=np.float64).sum()) for _, other in pairs), 1e-30)


def by_rows(kept: PackedLinear, part: Int8Linear) -> Int8Linear:
    """The int8 layer with the ranges of each row in the place of fixed ones."""
    layer = Int8Linear(*quantise_rows(as_usual(kept.weight)), kept.bias)
    layer.pack(int8_kernels().bits, part.activation)
    return layer


@contextmanager
def in_its_place(encoder: nn.Module, name: str, other: nn.Module) -> Iterator[None]:
    """Another layer in the place of one, until the block ends."""
    parent, _, child = name.rpartition(".")
    holder = encoder.get_submodule(parent)
    before = holder.get_submodule(child)
    _put(holder, child, other)
    try:
        yield
    finally:
        _put(holder, child, before)


def _put(holder: nn.Module, child: str, part: nn.Module) -> None:
    setattr(holder, child, part)
    if isinstance(holder, MLP):
        hand_on_bytes(holder)


def worst(found: Iterable[Blamed]) -> list[Blamed]:
    """Those whose leaving out gains anything, the most first."""
    return sorted((one for one in found if one.gain > 0), key=lambda one: -one.gain)
