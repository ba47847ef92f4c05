"""Which parts of a network are int8: its linear layers but the last, and its tables of tokens and positions."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from bertkit.model.embeddings import Embeddings
from bertkit.model.int8_linear import Int8Linear
from bertkit.model.int8_table import Int8Table
from bertkit.model.linear import LastLinear

Part = nn.Linear | nn.Embedding


def int8_weights(module: nn.Module) -> dict[str, Part]:
    """The parts whose weights may be int8, by the weights' names.

    A head's last layer stays float32, as do norms, biases and the two rows of segments, which are next to nothing.
    """
    found: dict[str, Part] = {}
    for name, part in module.named_modules():
        if isinstance(part, nn.Linear) and not isinstance(part, LastLinear):
            found[f"{name}.weight"] = part
        if isinstance(part, Embeddings):
            tables = {child: table for child, table in part.named_children() if child in ("token", "position")}
            found |= {f"{name}.{child}.weight": t for child, t in tables.items() if isinstance(t, nn.Embedding)}
    return found


def products_of(module: nn.Module) -> list[str]:
    """Names of the weights of linear layers that may be int8 and are not."""
    return [name for name, part in int8_weights(module).items() if isinstance(part, nn.Linear)]


@torch.no_grad()
def quantise(module: nn.Module) -> None:
    """Make all that may be int8 so, one at a time, each row of activations by its own scale."""
    for name, part in int8_weights(module).items():
        _put(module, name, Int8Linear.of(part) if isinstance(part, nn.Linear) else Int8Table.of(part))


def take_int8(module: nn.Module, scales: Mapping[str, int]) -> None:
    """Make room for int8 weights that are yet to be loaded.

    Args:
        scales: by the weights' names, how many scales there are for what each layer reads; 0 of a table.
    """
    for name, part in int8_weights(module).items():
        if name in scales:
            made = Int8Linear.like(part, scales[name]) if isinstance(part, nn.Linear) else Int8Table.like(part)
            _put(module, name, made)


def _put(module: nn.Module, weight: str, part: nn.Module) -> None:
    parent, _, child = weight.removesuffix(".weight").rpartition(".")
    setattr(module.get_submodule(parent), child, part)
