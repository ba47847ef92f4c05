"""What is put on the encoder's layers from outside: computing activations again, and torch's compiler."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from bertkit.model.encoder import Encoder
from bertkit.model.layers import PostNormLayer, PreNormLayer


def recompute(encoder: Encoder) -> None:
    """Layers keep their input only, and are run again for the gradient (Chen et al. 2016, arXiv 1604.06174)."""
    for layer in encoder.layers:
        layer.forward = partial(checkpoint, layer.forward, use_reentrant=False)


def compile_layers(encoder: Encoder, say: Callable[[str], None]) -> None:
    """Compile the parts of layers that look at one token at a time, for any number of tokens: one shape, once.

    Attention stays as it is: it goes through sequences whose lengths are new in every batch. Where the compiler fails
    (on a CPU it needs a C++ compiler), the part runs as it was, and `say` is told.
    """
    for layer in encoder.layers:
        assert isinstance(layer, PostNormLayer | PreNormLayer)
        layer.after = _or_as_it_was(layer.after, say)  # type: ignore[method-assign]


def _or_as_it_was(forward: Callable[..., Any], say: Callable[[str], None]) -> Callable[..., Any]:
    chosen = torch.compile(forward, dynamic=True)

    def run(*arguments: Any) -> Any:
        nonlocal chosen
        try:
            return chosen(*arguments)
        except Exception as error:
            if chosen is forward:
                raise
            say(f"torch.compile failed ({type(error).__name__}); going on without it")
            chosen = forward
            return forward(*arguments)

    return run
