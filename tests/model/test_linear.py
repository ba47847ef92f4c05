from __future__ import annotations

import pytest
import torch
from torch import nn

from bertkit.model.linear import FUSED, LastLinear, PackedLinear, can_pack, last_weights, pack_linears
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


def test_the_last_layer_computes_in_float32_whatever_is_around_it() -> None:
    torch.manual_seed(0)
    last, x = LastLinear(33, 2), torch.randn(7, 33)
    exact = nn.functional.linear(x.bfloat16().float(), last.weight, last.bias)
    assert torch.equal(last(x.bfloat16()), exact)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(last(x.bfloat16()), exact)
        assert last(x).dtype == torch.float32
    assert last.bfloat16()(x.bfloat16()).dtype == torch.float32
    assert last.double()(x.double()).dtype == torch.float64


def test_the_last_layer_is_packed_in_its_own_precision_only() -> None:
    head = nn.Sequential(nn.Linear(8, 8), LastLinear(8, 2))
    assert last_weights(head) == [*head[1].parameters()]
    pack_linears(head, torch.bfloat16)
    assert [type(part) for part in head] == [PackedLinear, LastLinear]
    pack_linears(head, torch.float32)
    assert isinstance(head[1], PackedLinear)


def test_the_weights_of_packed_layers_can_be_looked_at() -> None:
    linear = nn.Linear(5, 3)
    named = dict(PackedLinear(linear, torch.float32).tensors())
    assert torch.equal(named["weight"], linear.weight)
    assert torch.equal(named["bias"], linear.bias)
