"""Where two networks part: what each layer of both gives for the same tokens, and what in the first other one differs.

Shapes: `T` tokens, `W` width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bertkit.batching.packed import PackedBatch
from bertkit.inference.torch_backend import on_device
from bertkit.model.network import Network

NUMBERS = (bool, int, float, str, tuple, type(None))  # what a module is set by


@dataclass(frozen=True, slots=True)
class Part:
    """A part of both encoders.

    Attributes:
        name: `embeddings`, or `layer 3`, from 0, as tensors are named.
        difference: the largest between what both give, as a share of the largest number.
    """

    name: str
    difference: float


@torch.inference_mode()
def parts(a: Network, b: Network, batches: Sequence[PackedBatch]) -> list[Part]:
    """How far the parts of two encoders give the same, in their order; those that only one has are left out."""
    found: dict[str, float] = {}
    for batch in batches:
        for (name, one), (_, other) in zip(_given(a, batch), _given(b, batch), strict=False):
            found[name] = max(found.get(name, 0.0), _difference(one, other))
    return [Part(name, difference) for name, difference in found.items()]


@torch.inference_mode()
def causes(a: Network, b: Network, name: str) -> list[str]:
    """What in a part of two encoders is not the same: settings and weights, in words."""
    return list(_causes(_module(a, name), _module(b, name), name.replace("layer ", "layers.")))


@torch.inference_mode()
def head_causes(a: Network, b: Network) -> list[str]:
    """What in the heads of two networks is not the same."""
    if a.head is None or b.head is None:
        return [] if a.head is b.head else ["one has a head, the other none"]
    return list(_causes(a.head, b.head, "head"))


def _given(network: Network, batch: PackedBatch) -> list[tuple[str, Tensor]]:
    """What each part gives, in the order in which they are computed."""
    encoder = network.encoder
    given: list[tuple[str, Tensor]] = []
    names = {id(encoder.embeddings): "embeddings"}
    names |= {id(layer): f"layer {place}" for place, layer in enumerate(encoder.layers)}

    def note(module: nn.Module, inputs: object, output: Tensor) -> None:
        given.append((names[id(module)], output.float()))

    hooks = [module.register_forward_hook(note) for module in (encoder.embeddings, *encoder.layers)]
    try:
        encoder(on_device(batch, encoder.embeddings.token.weight.device))
    finally:
        for hook in hooks:
            hook.remove()
    return given


def _module(network: Network, name: str) -> nn.Module:
    encoder = network.encoder
    return encoder.embeddings if name == "embeddings" else encoder.layers[int(name.removeprefix("layer "))]


def _difference(one: Tensor, other: Tensor) -> float:
    if one.shape != other.shape:
        return float("inf")
    return float((one - other).abs().max() / max(1.0, float(one.abs().max())))


def _causes(a: nn.Module, b: nn.Module, place: str) -> Iterator[str]:
    others = dict(b.named_modules())
    for name, one in a.named_modules():
        where = f"{place}.{name}" if name else place
        if name not in others:
            yield f"{where} is in A alone"
            continue
        other = others[name]
        for key, value in vars(one).items():
            there = getattr(other, key, None)
            if not key.startswith("_") and key != "training" and isinstance(value, NUMBERS) and there != value:
                yield f"{where}.{key} is {value!r} in A, {there!r} in B"
        yield from _weights(one, other, where)
    own = dict(a.named_modules())
    yield from (f"{place}.{name} is in B alone" for name in others if name not in own)


def _weights(one: nn.Module, other: nn.Module, where: str) -> Iterator[str]:
    theirs = dict(other.named_parameters(recurse=False))
    for name, weight in one.named_parameters(recurse=False):
        found = theirs.get(name)
        if found is None or found.shape != weight.shape:
            there = "not there" if found is None else tuple(found.shape)
            yield f"{where}.{name} is {tuple(weight.shape)} in A, {there} in B"
        elif not torch.equal(weight.float(), found.float()):
            difference = float((weight.float() - found.float()).abs().max())
            yield f"{where}.{name} differs by up to {difference:.1e}"
