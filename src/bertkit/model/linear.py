"""Linear layers that are more than `torch.nn.Linear`: the last one of a head, and weights laid out for a CPU's kernels.

`torch.nn.Linear` lets the kernel library re-order the weight at every call; for inference it is re-ordered once. The
slow twin of a `PackedLinear` is the `nn.Linear` that it was made from.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from bertkit.config.encoder import Activation
from bertkit.model.mlp import MLP

# How oneDNN names the activations that it can apply while the product is still in cache: (operation, algorithm).
FUSED: dict[Activation, tuple[str, str]] = {
    "gelu": ("gelu", "none"),
    "gelu_tanh": ("gelu", "tanh"),
    "relu": ("relu", ""),
}


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
            return functional.linear(x_RI.to(dtype), self.weight.to(dtype), bias)


def last_weights(module: nn.Module) -> list[nn.Parameter]:
    """The weights of all `LastLinear` inside a module, which stay float32 where the others become bfloat16."""
    return [weight for part in module.modules() if isinstance(part, LastLinear) for weight in part.parameters()]


class PackedLinear(nn.Module):
    """`activation(x Wᵀ + b)` with W in oneDNN's blocked layout. Inference only: no gradient, no state."""

    def __init__(self, linear: nn.Linear, dtype: torch.dtype, activation: Activation | None = None) -> None:
        super().__init__()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach().to(dtype))
        self.bias = None if linear.bias is None else linear.bias.detach().to(dtype)
        self.operation, self.algorithm = FUSED[activation] if activation is not None else ("none", "")

    def forward(self, x_TI: Tensor) -> Tensor:
        """(T, inputs) to (T, outputs)."""
        out: Tensor = torch.ops.mkldnn._linear_pointwise(
            x_TI, self.weight, self.bias, self.operation, [], self.algorithm
        )
        return out

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """The weight and the bias by name, in the usual layout."""
        yield "weight", self.weight.to_dense()
        if self.bias is not None:
            yield "bias", self.bias


def can_pack(dtype: torch.dtype) -> bool:
    """Whether this machine's CPU has packed kernels for `dtype`."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and has_fast_bfloat16())


def has_fast_bfloat16() -> bool:
    """Whether this machine's CPU multiplies bfloat16 matrices faster than float32 ones (AMX or AVX512-BF16)."""
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


@torch.no_grad()
def pack_linears(module: nn.Module, dtype: torch.dtype) -> None:
    """Replace every `nn.Linear` inside `module` by a `PackedLinear`, one at a time, letting go of the originals.

    A `LastLinear` is replaced where `dtype` is its own.
    """
    for part in module.modules():
        if isinstance(part, MLP) and isinstance(part.up, nn.Linear) and part.activation in FUSED:
            part.up, part.activation = PackedLinear(part.up, dtype, part.activation), None
        for name, child in part.named_children():
            if isinstance(child, nn.Linear) and (dtype == torch.float32 or not isinstance(child, LastLinear)):
                setattr(part, name, PackedLinear(child, dtype))
