"""Reads or replaces what goes into a part of each step of an encoder while it runs, for explanations.

torch's hooks would do that, but a hook is on the module, for everybody who runs it, also in other threads. So a second
encoder is made of the same weights, with the watched part wrapped; the first one is not touched, and stays as fast.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor, nn

if TYPE_CHECKING:
    from bertkit.model.encoder import Encoder


See = Callable[[int, Tensor], Tensor | None]
Module = TypeVar("Module", bound=nn.Module)


def watched(encoder: Encoder, part: str, see: See) -> Encoder:
    """The same encoder, to be run once, which calls `see(step, x)` before the part of each step runs.

    Steps are counted as they come, so that a layer which several steps share is seen once a step.

    Args:
        part: the module of a layer that is watched, by its path (`attention`, `attention.output`); each step calls it
            once.
        see: gets the part's first input; what it returns, if anything, takes the input's place.
    """
    steps = count()
    layers = [
        _replaced(layer, part.split("."), lambda module: _Watched(module, steps, see)) for layer in encoder.layers
    ]
    return _with(encoder, "layers", nn.ModuleList(layers))


class _Watched(nn.Module):
    """A part that shows its first input before it runs."""

    def __init__(self, part: nn.Module, steps: Iterator[int], see: See) -> None:
        super().__init__()
        self._part = part
        self._steps = steps
        self._see = see

    def forward(self, x: Tensor, *others: Any) -> Any:
        instead = self._see(next(self._steps), x)
        return self._part(x if instead is None else instead, *others)


def _replaced(module: nn.Module, path: list[str], make: Callable[[nn.Module], nn.Module]) -> nn.Module:
    """The module with another part at the end of the path."""
    name, *further = path
    part = module.get_submodule(name)
    return _with(module, name, _replaced(part, further, make) if further else make(part))


def _with(module: Module, name: str, part: nn.Module) -> Module:
    """The same module but for one part: what they share, weights above all, is there once."""
    other = copy.copy(module)
    other._modules = {**module._modules, name: part}
    return other
