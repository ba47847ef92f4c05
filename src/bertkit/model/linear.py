"""Linear layers: the one place that makes them, of each kind that there is.

A plain one is torch's, for learning and for every device. `torch.nn.Linear` lets a CPU's kernel library re-order the
weight at every call; for inference a packed one has it re-ordered once, and is saved and loaded as the plain one that
it was made from, its slow twin. One of int8 is in `int8_linear.py`. The last layer of a head is one of its own. Which
kind suits is for `config/kernels.py` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bertkit.config.encoder import Activation
from bertkit.config.kernels import FUSED, LinearKind
from bertkit.model.fixed_rows import by_rows, linear
from bertkit.model.int8_linear import Int8Linear, usual
from bertkit.model.int8_machine import int8_kernels
from bertkit.model.mlp import MLP


class LastLinear(nn.Linear):
    """The last linear layer of a head. It computes in float32 at least, whatever precision the rest of the model has.

    In bfloat16, which has 8 bits, a hundred close scores are ten different ones, and ties have no order. The product is
    a few columns wide, so that its precision costs next to nothing.
    """

    def forward(self, x_RI: Tensor) -> Tensor:
        """(R, inputs) to (R, outputs)."""
        dtype = torch.promote_types(x_RI.dtype, torch.float32)
        bias = None if self.bias is None else self.bias.to(dtype)
        with torch.autocast(x_RI.device.type, enabled=False):
            return linear(x_RI.to(dtype), self.weight.to(dtype), bias)


def last_weights(module: nn.Module) -> list[nn.Parameter]:
    """The weights of all `LastLinear` inside a module, which stay float32 where the others become bfloat16."""
    return [weight for part in module.modules() if isinstance(part, LastLinear) for weight in part.parameters()]


class PackedLinear(nn.Module):
    """`activation(x Wᵀ + b)` with W in oneDNN's blocked layout. Inference only: no gradient, and no other device.

    The weight and the bias are buffers by the names of the `nn.Linear` that they come from. Whoever saves, copies or
    loads the layer sees them in the usual layout.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, linear: nn.Linear, dtype: torch.dtype, activation: Activation | None = None) -> None:
        super().__init__()
        self.register_buffer("weight", _packed(linear.weight.detach().to(dtype)))
        self.register_buffer("bias", None if linear.bias is None else linear.bias.detach().to(dtype))
        self.operation, self.algorithm = FUSED[activation] if activation is not None else ("none", "")

    def forward(self, x_TI: Tensor) -> Tensor:
        """(T, inputs) to (T, outputs)."""
        return by_rows(self._product, x_TI)

    def _product(self, x_TI: Tensor) -> Tensor:
        out: Tensor = torch.ops.mkldnn._linear_pointwise(
            x_TI, self.weight, self.bias, self.operation, [], self.algorithm
        )
        return out

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_buffers": {**self._buffers, "weight": as_usual(self.weight)}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self.weight = _packed(self.weight)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "weight"] = as_usual(self.weight)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        given, packed = state_dict.get(prefix + "weight"), self.weight
        self.weight = as_usual(packed)  # torch copies into what there is, and finds fault with its shape
        try:
            super()._load_from_state_dict(state_dict, prefix, *rest)
        finally:
            self.weight = packed if given is None else _packed(self.weight)


def make_linear(inputs: int, outputs: int, *, bias: bool = True, last: bool = False) -> nn.Linear:
    """A plain layer whose weights are yet to be loaded or initialised: float32 whatever the default dtype.

    Args:
        last: it is the last one of a head.
    """
    return (LastLinear if last else nn.Linear)(inputs, outputs, bias=bias, dtype=torch.float32)


@torch.no_grad()
def convert_linears(module: nn.Module, kind: LinearKind, dtype: torch.dtype) -> None:
    """Make every layer inside `module` ready for the kernels of this kind, one at a time, letting go of the originals.

    Plain ones are packed, int8 ones laid out. A layer takes in the activation after it. A `LastLinear` is converted
    where `dtype` is its own.
    """
    if kind == "plain":
        return
    half = dtype != torch.float32
    for part in module.modules():
        if isinstance(part, MLP) and part.activation in FUSED and isinstance(part.up, nn.Linear | Int8Linear):
            part.up, part.activation = _converted(part.up, dtype, part.activation), None
        for name, child in part.named_children():
            ready = child.is_packed if isinstance(child, Int8Linear) else isinstance(child, LastLinear) and half
            if isinstance(child, nn.Linear | Int8Linear) and not ready:
                setattr(part, name, _converted(child, dtype, None))
        if isinstance(part, MLP):
            hand_on_bytes(part)


def _converted(layer: nn.Linear | Int8Linear, dtype: torch.dtype, activation: Activation | None) -> nn.Module:
    if isinstance(layer, nn.Linear):
        return PackedLinear(layer, dtype, activation)
    layer.pack(int8_kernels().bits, activation)
    return layer


def hand_on_bytes(mlp: MLP) -> None:
    """Has the first layer write what the second reads, where scales are fixed: nothing between them is a number."""
    up, down = mlp.up, mlp.down
    if isinstance(up, Int8Linear):
        whole = up.weight_inputs is not None and mlp.activation is None
        up.writes = down.reads if whole and isinstance(down, Int8Linear) else None


def as_usual(weight: Tensor) -> Tensor:
    """A weight in the usual layout, whichever it is in."""
    if weight.dtype == torch.int8:
        return usual(weight)
    return weight.to_dense() if weight.is_mkldnn else weight


def _packed(weight: Tensor) -> Tensor:
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach())
    return packed
