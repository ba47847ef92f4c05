"""A linear layer of int8 weights on a CPU, without a compiler: oneDNN's kernels, called through torch.

What it reads becomes bytes first. Each row by its own least and largest number, which needs no texts to be known and
holds quality where rows differ; or all rows alike, by scales that were found on texts and are stored with the weights:
one for each column, which the weights take in, or one for all, and then the layer before writes the bytes itself. Sums
are of whole numbers, and exact, so that a row's result does not depend on the rows beside it.

Shapes: `O` outputs, `I` inputs, `T` rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bertkit.config.encoder import Activation
from bertkit.config.kernels import FUSED
from bertkit.model.mlp import ACTIVATIONS
from bertkit.model.quantising import (
    MIDDLE,
    dequantise_rows,
    in_blocks,
    narrowed,
    quantise_rows,
    rows_to_bytes,
    to_bytes,
)

Bytes = tuple[float, int]  # scale and zero point of bytes


class Int8Linear(nn.Module):
    """`activation(x Wᵀ + b)` with W of int8 rows. Inference on a CPU only.

    The buffers are what a folder stores. `pack` lays the weight out for the kernels, before the first call; whoever
    saves, copies or loads the layer still sees it in the usual layout.

    Args:
        weight: (O, I) int8.
        scale: (O,), of the weight's rows.
        bias: (O,); None without one.
        inputs: of what is read the scale and what the middle byte stands for, (2, I) or (2, 1); None where each row
            has its own. Weights have the scales of columns in them.

    Attributes:
        activation: after the product.
        writes: where bytes are written, for the next layer, their scale and zero point; None where numbers are.
    """

    weight: Tensor
    weight_scale: Tensor
    weight_inputs: Tensor | None
    bias: Tensor | None

    def __init__(self, weight: Tensor, scale: Tensor, bias: Tensor | None, inputs: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("weight_scale", scale)
        self.register_buffer("weight_inputs", inputs)
        self.register_buffer("bias", bias)
        self.activation: Activation | None = None
        self.writes: Bytes | None = None

    @classmethod
    def of(cls, linear: nn.Linear) -> Int8Linear:
        """The layer, quantised; each row that it reads will have its own scale."""
        bias = None if linear.bias is None else linear.bias.detach().float()
        return cls(*quantise_rows(linear.weight), bias)

    @classmethod
    def like(cls, linear: nn.Linear, scales: int) -> Int8Linear:
        """A layer of this shape, on the same device, whose weights are yet to be loaded.

        Args:
            scales: of what it reads: 0, 1 or I.
        """
        weight = linear.weight.detach()
        return cls(
            torch.empty_like(weight, dtype=torch.int8),
            weight.new_empty(len(weight)),
            None if linear.bias is None else linear.bias.detach(),
            weight.new_empty(2, scales) if scales else None,
        )

    @property
    def is_packed(self) -> bool:
        """Whether it can be called."""
        return self.weight.is_mkldnn

    @property
    def reads(self) -> Bytes | None:
        """Scale and zero point of the bytes that the layer before may write; None where it makes its own."""
        if self.weight_inputs is None or self.weight_inputs.shape[1] != 1:
            return None
        scale, centre = self.weight_inputs.flatten().tolist()
        return scale, MIDDLE - round(centre / scale)

    def pack(self, bits: int, activation: Activation | None = None) -> None:
        """Lay the weight out for the kernels of this machine, in place.

        Args:
            bits: of a weight; 7 where sums of 8 bits would run over.
            activation: to apply after the product.
        """
        if bits < 8:
            self.weight, self.weight_scale = narrowed(self.weight, self.weight_scale)
        self.activation = activation
        self._prepare()

    def forward(self, x_TI: Tensor) -> Tensor:
        """(T, I) to (T, O), float32, or bytes where it writes them.

        Args:
            x_TI: numbers, or bytes as `reads` says.
        """
        if self.weight_inputs is None:
            return self._by_rows(x_TI)
        bytes_TI = x_TI if x_TI.dtype == torch.uint8 else to_bytes(x_TI, *self.weight_inputs)
        after = ("none", "") if self.activation is None else FUSED[self.activation]
        return self._product(bytes_TI, self._whole_bias_O, self.writes, after)

    def _by_rows(self, x_TI: Tensor) -> Tensor:
        bytes_TI, *of_rows = rows_to_bytes(x_TI)
        out_TO = self._product(bytes_TI, None, None, ("none", ""))
        blocks = in_blocks(out_TO)
        parts = (part.split(len(blocks[0])) for part in of_rows)  # type: ignore[no-untyped-call]
        for block_TO, scale_T1, centre_T1 in zip(blocks, *parts, strict=True):
            block_TO.mul_(scale_T1).addcmul_(centre_T1, self._sums_O)
            if self.bias is not None:
                block_TO += self.bias
            if self.activation is not None:
                block_TO.copy_(ACTIVATIONS[self.activation](block_TO))
        return out_TO

    def _product(self, bytes_TI: Tensor, bias: Tensor | None, writes: Bytes | None, after: tuple[str, str]) -> Tensor:
        operation, algorithm = after
        out_TO: Tensor = torch.ops.onednn.qlinear_pointwise(
            *(bytes_TI, 1.0, MIDDLE, self.weight, self.weight_scale, self._zeros_O, bias),
            *(writes or (1.0, 0)),
            *(torch.float32 if writes is None else torch.uint8, operation, [], algorithm),
        )
        return out_TO

    def _prepare(self) -> None:
        """What the kernels take, made of what is stored."""
        weight_OI = dequantise_rows(self.weight, self.weight_scale)
        self._zeros_O = torch.zeros(len(weight_OI), dtype=torch.int64)
        self._sums_O = weight_OI.sum(dim=1)
        if self.weight_inputs is not None:
            scale_I, centre_I = self.weight_inputs
            middle_O = weight_OI @ (centre_I / scale_I).expand(weight_OI.shape[1])
            self._whole_bias_O = middle_O if self.bias is None else self.bias + middle_O
        self.weight = torch.ops.onednn.qlinear_prepack(self.weight.contiguous(), None)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_buffers": {**self._buffers, "weight": usual(self.weight)}, "packed": self.is_packed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        packed = state.pop("packed")
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        if packed:
            self._prepare()

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "weight"] = usual(self.weight)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        packed = self.is_packed
        self.weight = usual(self.weight)
        super()._load_from_state_dict(state_dict, prefix, *rest)
        if packed:
            self._prepare()


def usual(weight: Tensor) -> Tensor:
    """An int8 weight as (O, I), however it is laid out."""
    return weight.to_dense().t().contiguous() if weight.is_mkldnn else weight


def int8_reference(layer: Int8Linear, x_TI: Tensor) -> Tensor:
    """The slow twin: float64 throughout, what is read rounded as the layer rounds it, (T, O)."""
    weight_OI = dequantise_rows(usual(layer.weight), layer.weight_scale).double()
    if layer.weight_inputs is None:
        bytes_TI, scale, centre = rows_to_bytes(x_TI)
    else:
        scale, centre = layer.weight_inputs
        weight_OI /= scale.double()
        bytes_TI = to_bytes(x_TI, scale, centre)
    out_TO = ((bytes_TI.double() - MIDDLE) * scale.double() + centre.double()) @ weight_OI.t()
    out_TO = out_TO if layer.bias is None else out_TO + layer.bias.double()
    return out_TO if layer.activation is None else ACTIVATIONS[layer.activation](out_TO)
