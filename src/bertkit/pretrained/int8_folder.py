"""Tensors to int8 and back, as a folder stores them; see `int8_names.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bertkit.config.int8 import INPUTS, SCALE, base_of
from bertkit.families.contract import Weight
from bertkit.model.quantising import dequantise_rows, quantise_rows

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Quantisation:
    """How a weight becomes int8.

    Attributes:
        scale_dtype: of its rows' scales.
        inputs: of what its layer reads the scales and what the middle byte stands for, (2, I) or (2, 1); None where
            each row has its own.
    """

    scale_dtype: torch.dtype = torch.float32
    inputs: Tensor | None = None


class FloatView(Tensors):
    """The tensors in floating point, each made when it is asked for."""

    def __init__(self, stored: Tensors) -> None:
        self._stored = stored

    def __getitem__(self, name: str) -> Tensor:
        if base_of(name) != name:
            raise KeyError(name)
        tensor = self._stored[name]
        if tensor.dtype != torch.int8:
            return tensor
        weight, inputs = dequantise_rows(tensor, self._stored[name + SCALE]), self._stored.get(name + INPUTS)
        return weight if inputs is None else weight / inputs[0].float()

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._stored if base_of(name) == name)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def quantised(rows: Iterable[Weight], tensors: Tensors, parts: Mapping[str, Quantisation]) -> dict[str, Tensor]:
    """Tensors of a checkpoint with some of them in int8, as a folder stores them.

    Args:
        rows: of the parts of the model, every layer's number filled in.
        parts: our names of the weights that become int8.
    """
    stored = dict(tensors)
    for row in rows:
        if row.ours not in parts:
            continue
        how = parts[row.ours]
        for name in row.theirs:
            weight = tensors[name].float()
            if how.inputs is not None:
                weight, stored[name + INPUTS] = weight * how.inputs[0], how.inputs.clone()
            stored[name], stored[name + SCALE] = quantise_rows(weight, how.scale_dtype)
    return stored
