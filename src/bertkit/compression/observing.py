"""What a network's layers read, and what it answers, on texts: looked at while it answers them in floating point.

Shapes: `I` inputs of a layer, `T` packed tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from bertkit.batching.packed import PackedBatch
from bertkit.inference.backend import Outputs
from bertkit.inference.torch_backend import TorchBackend
from bertkit.model.int8_parts import Part
from bertkit.model.network import Network


@dataclass(frozen=True, slots=True)
class Extremes:
    """The least and the most of each column that a layer read, (I,)."""

    least_I: Tensor
    most_I: Tensor


class Recorder(TorchBackend):
    """The torch back end, of which all batches and outputs are kept."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.batches: list[PackedBatch] = []
        self.outputs: list[Outputs] = []

    def run(self, batch: PackedBatch) -> Outputs:
        """The network's outputs."""
        outputs = super().run(batch)
        self.batches.append(batch)
        self.outputs.append(outputs)
        return outputs

    def some(self, tokens: int) -> tuple[list[PackedBatch], list[Outputs]]:
        """Batches from all over, of about as many tokens in all, and their outputs."""
        left, chosen = tokens, []
        order = np.random.default_rng(0).permutation(len(self.batches)).tolist()
        for place in order:
            if left > 0:
                chosen.append(place)
                left -= sum(self.batches[place].lengths)
        return [self.batches[place] for place in chosen], [self.outputs[place] for place in chosen]


@contextmanager
def looking(network: Network, parts: dict[str, Part]) -> Iterator[dict[str, Extremes]]:
    """Gives what the encoder's linear layers read until the block ends, by the names of their weights.

    Args:
        parts: of the encoder, those whose weights may be int8.
    """
    seen: dict[str, Extremes] = {}

    def look(name: str, x_TI: Tensor) -> None:
        if not len(x_TI):
            return
        least_I, most_I = x_TI.amin(dim=0), x_TI.amax(dim=0)
        if name in seen:  # of an earlier batch, or of an earlier step that the layer is applied in
            least_I, most_I = torch.minimum(least_I, seen[name].least_I), torch.maximum(most_I, seen[name].most_I)
        seen[name] = Extremes(least_I, most_I)

    def watch(name: str) -> torch.utils.hooks.RemovableHandle:
        module = network.encoder.get_submodule(name.removesuffix(".weight"))
        return module.register_forward_pre_hook(lambda module, inputs: look(name, inputs[0]))

    hooks = [watch(name) for name, part in parts.items() if isinstance(part, nn.Linear)]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
