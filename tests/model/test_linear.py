from __future__ import annotations

import pickle
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from bertkit.batching.token_batch import TokenBatch
from bertkit.config.encoder import EncoderConfig, LearnedPositions
from bertkit.config.kernels import FUSED, linear_kind
from bertkit.inference.precision import make_ready
from bertkit.model.build import build_encoder
from bertkit.model.device import precision_of, processor
from bertkit.model.init import initialise
from bertkit.model.linear import (
    LastLinear,
    PackedLinear,
    as_usual,
    convert_linears,
    last_weights,
    make_linear,
)
from bertkit.model.mlp import ACTIVATIONS, MLP

CPU, BATCH = torch.device("cpu"), TokenBatch.pack([[5, 6, 7], [8]], [[0, 0, 1], [0]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("activation", [None, *FUSED])
@pytest.mark.parametrize(("rows", "inputs", "outputs"), [(1, 7, 5), (13, 33, 99), (130, 96, 384)])
@pytest.mark.parametrize("bias", [True, False])
@torch.inference_mode()
def test_it_agrees_with_its_slow_twin(
    dtype: torch.dtype, activation: str | None, rows: int, inputs: int, outputs: int, bias: bool
) -> None:
    if linear_kind(processor(CPU), precision_of(dtype), learns=False) == "plain":
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
    convert_linears(mlp, "packed", torch.float32)
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
    convert_linears(head, "packed", torch.bfloat16)
    assert [type(part) for part in head] == [PackedLinear, LastLinear]
    convert_linears(head, "packed", torch.float32)
    assert isinstance(head[1], PackedLinear)


def test_the_planner_knows_which_activations_are_taken_in() -> None:
    assert set(FUSED) <= set(ACTIVATIONS)


def test_plain_layers_are_left_as_they_are() -> None:
    module = nn.Sequential(make_linear(4, 3), make_linear(3, 2, bias=False, last=True))
    convert_linears(module, "plain", torch.float32)
    assert [type(part) for part in module] == [nn.Linear, LastLinear]
    assert [part.bias is None for part in module] == [False, True]


def test_made_layers_are_float32_whatever_the_default() -> None:
    torch.set_default_dtype(torch.bfloat16)
    try:
        assert make_linear(4, 3).weight.dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)


CONFIG = EncoderConfig(
    vocab_size=9, width=12, heads=2, ffn_width=20, layer_of_step=(0, 1), positions=LearnedPositions()
)


def ready(seed: int, *, packed: bool, dtype: torch.dtype = torch.float32) -> nn.Module:
    encoder = build_encoder(CONFIG)
    initialise(encoder, 0.2, torch.Generator().manual_seed(seed))
    make_ready(encoder, CPU, dtype, gradients=not packed)
    return encoder.eval()


@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_layer_is_counted_and_saved_as_the_plain_one_is(bias: bool) -> None:
    linear = nn.Linear(5, 3, bias=bias)
    packed = PackedLinear(linear, torch.float32)
    state = packed.state_dict()
    assert list(state) == list(linear.state_dict())
    assert all(torch.equal(state[name], tensor) for name, tensor in linear.state_dict().items())
    assert all(tensor.layout == torch.strided for tensor in state.values())
    assert sum(tensor.numel() for tensor in packed.buffers()) == sum(tensor.numel() for tensor in linear.parameters())
    assert sum(tensor.nbytes for tensor in packed.buffers()) == sum(tensor.nbytes for tensor in linear.parameters())


@torch.inference_mode()
def test_a_packed_encoder_is_saved_and_loaded(tmp_path: Path) -> None:
    """What was packed is loaded by what is packed and by what is not, and the other way round."""
    packed, plain = ready(0, packed=True), ready(0, packed=False)
    assert any(isinstance(part, PackedLinear) for part in packed.modules())
    save_file(packed.state_dict(), tmp_path / "packed.safetensors")
    saved = load_file(tmp_path / "packed.safetensors")
    assert saved.keys() == plain.state_dict().keys()
    assert all(torch.equal(saved[name], tensor) for name, tensor in plain.state_dict().items())
    for source in (packed, plain):
        for kind in (True, False):
            other = ready(1, packed=kind)
            before = other(BATCH)
            other.load_state_dict(source.state_dict())
            assert (other(BATCH) - packed(BATCH)).abs().max() < 1e-5
            assert (before - packed(BATCH)).abs().max() > 0.1


@torch.inference_mode()
def test_a_packed_layer_is_copied() -> None:
    packed, x = PackedLinear(nn.Linear(5, 3), torch.float32, "gelu"), torch.randn(4, 5)
    for copy in (deepcopy(packed), pickle.loads(pickle.dumps(packed))):
        assert torch.equal(copy(x), packed(x))
        assert copy.weight is not packed.weight
        assert copy.weight.is_mkldnn


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_packed_layer_goes_to_where_it_is(dtype: torch.dtype) -> None:
    packed = PackedLinear(nn.Linear(5, 3), dtype)
    assert packed.to(device=CPU, dtype=dtype).weight.dtype == dtype


def test_what_does_not_fit_a_packed_layer_is_said_as_torch_says_it() -> None:
    packed = PackedLinear(nn.Linear(5, 3), torch.float32)
    before = as_usual(packed.weight)
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        packed.load_state_dict({"weight": torch.zeros(4, 5), "bias": torch.zeros(3)})
    with pytest.raises(RuntimeError, match=r"Missing key.*weight"):
        packed.load_state_dict({"bias": torch.zeros(3)})
    assert torch.equal(as_usual(packed.weight), before)
    assert packed.weight.is_mkldnn
