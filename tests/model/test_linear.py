from __future__ import annotations

import pytest
import torch
from torch import nn

from bertkit.model.linear import FUSED, PackedLinear, can_pack, pack_linears
from bertkit.model.mlp import ACTIVATIONS, MLP


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("activation", [None, *FUSED])
@pytest.mark.parametrize(("rows", "inputs", "outputs"), [(1, 7, 5), (13, 33, 99), (130, 96, 384)])
@pytest.mark.parametrize("bias", [True, False])
@torch.inference_mode()
def test_it_agrees_with_its_slow_twin(
    dtype: torch.dtype, activation: str | None, rows: int, inputs: int, outputs: int, bias: bool
) -> None:
    if not can_pack(dtype):
        pytest.skip(f"no packed kernels for {dtype} on this CPU")
    torch.manual_seed(0)
    linear = nn.Linear(inputs, outputs, bias=bias).to(dtype)
    x = torch.randn(rows, inputs, dtype=dtype)
    expected = linear(x)
    if activation is not None:
        expected = ACTIVATIONS[activation](expected.float()).to(dtype)  # type: ignore[index]
    out = PackedLinear(linear, dtype, activation)(x)  # type: ignore[arg-type]
    tolerance = 1e-5 if dtype == torch.float32 else 0.02
    torch.testing.assert_close(out, expected, rtol=tolerance, atol=tolerance)


@torch.inference_mode()
def test_packing_replaces_every_linear_and_takes_the_activation_in() -> None:
    mlp = nn.Sequential(
        MLP(nn.Linear(8, 16), nn.Linear(16, 8), "gelu"), MLP(nn.Linear(8, 16), nn.Linear(16, 8), "silu")
    )
    x = torch.randn(5, 8)
    expected = mlp(x)
    pack_linears(mlp, torch.float32)
    assert not [part for part in mlp.modules() if isinstance(part, nn.Linear)]
    assert [part.activation for part in mlp] == [None, "silu"]
    torch.testing.assert_close(mlp(x), expected)
