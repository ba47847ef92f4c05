"""What a sentence-transformers model does to a pooled vector, in numpy: the twin of what `vector_recipes.py` builds.

An answer is put together of windows outside the network, so this part is computed wherever the network is.

Shapes: `W` width of a vector, `O` width of what a module makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bertkit.checkpoints.stored import Numbers
from bertkit.config.vectors import VECTOR
from bertkit.tasks.activations import ACTIVATIONS

if TYPE_CHECKING:
    from bertkit.pretrained.sentence_parts import VectorModule

NORM_EPS = 1e-5  # torch's own
SHORTEST = np.float32(1e-12)  # what a vector of length 0 is divided by


def finishing(modules: Sequence[VectorModule]) -> Callable[[Numbers], Numbers] | None:
    """What modules do to a vector, (W,) to (O,); None where they do nothing.

    Their weights are read when the first vector comes.
    """
    steps = [(module, _CHANGES[module.kind]) for module in modules if module.link is not None]
    if not steps:
        return None

    def change(vector_W: Numbers) -> Numbers:
        numbers: Mapping[str, Numbers] = {VECTOR: vector_W}
        for module, step in steps:
            assert module.link is not None
            numbers = {**numbers, module.link.writes: step(module, numbers[module.link.reads])}
        return numbers[VECTOR]

    return change


def _dense(module: VectorModule, x_W: Numbers) -> Numbers:
    weights = module.weights
    x_O = weights["linear.weight"] @ x_W
    if "linear.bias" in weights:
        x_O = x_O + weights["linear.bias"]
    out_O = ACTIVATIONS[module.activation](x_O.astype(np.float64)).astype(np.float32)
    if not module.residual:
        return out_O
    return out_O + (weights["residual.weight"] @ x_W if "residual.weight" in weights else x_W)


def _layer_norm(module: VectorModule, x_W: Numbers) -> Numbers:
    weights = module.weights
    centred_W = x_W - x_W.mean()
    normed_W = centred_W / np.sqrt(np.mean(centred_W**2) + np.float32(NORM_EPS))
    return normed_W * weights["norm.weight"] + weights["norm.bias"]  # type: ignore[no-any-return]


def _normalise(module: VectorModule, x_W: Numbers) -> Numbers:
    return x_W / max(np.linalg.norm(x_W), SHORTEST)


_CHANGES: Mapping[str, Callable[[VectorModule, Numbers], Numbers]] = {
    "Dense": _dense,
    "LayerNorm": _layer_norm,
    "Normalize": _normalise,
}
