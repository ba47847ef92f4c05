"""Looking into an encoder while it runs, from outside: a part of each step is watched, and nobody else pays for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from torch import Tensor, nn

from bertkit.model.encoder import Encoder
from bertkit.model.layers import Layer


@contextmanager
def before_each_step(
    encoder: Encoder, part: Callable[[Layer], nn.Module], see: Callable[[int, Tensor], Tensor | None]
) -> Iterator[None]:
    """Inside the block, one run of the encoder calls `see(step, x)` before the part of each step runs.

    Steps are counted as they come, so that a layer which several steps share is seen once a step.

    Args:
        part: the module of a layer that is watched; each step calls it once.
        see: gets the part's first input; what it returns, if anything, takes the input's place.
    """
    steps = count()

    def hook(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        x, *others = inputs
        instead = see(next(steps), x)
        return None if instead is None else (instead, *others)

    handles = [part(layer).register_forward_pre_hook(hook) for layer in encoder.layers]  # type: ignore[arg-type]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
