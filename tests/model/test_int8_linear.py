from __future__ import annotations

import pickle
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from bertkit.config.encoder import Activation
from bertkit.config.kernels import FUSED
from bertkit.model.int8_linear import Int8Linear, int8_reference, usual
from bertkit.model.int8_machine import int8_kernels
from bertkit.model.linear import convert_linears
from bertkit.model.mlp import MLP
from bertkit.model.quantising import MIDDLE, quantise_rows

BITS = int8_kernels().bits
pytestmark = pytest.mark.skipif(not BITS, reason="no exact int8 products on this machine")


def layer_of(linear: nn.Linear, scales: int = 0) -> Int8Linear:
    """In int8, ready; with scales of what it reads for numbers from -4 to 4."""
    if not scales:
        return Int8Linear.of(linear)
    scale = torch.full((scales,), 8 / 255)
    centre = (torch.arange(scales) % 3 - 1) * scale
    weight = quantise_rows(linear.weight.detach() * scale)
    return Int8Linear(*weight, None if linear.bias is None else linear.bias.detach(), torch.stack([scale, centre]))


def packed(layer: Int8Linear, activation: Activation | None = None) -> Int8Linear:
    layer.pack(BITS, activation)
    return layer


@pytest.mark.parametrize("activation", [None, *FUSED])
@pytest.mark.parametrize(("rows", "inputs", "outputs"), [(1, 7, 5), (13, 33, 99), (130, 96, 384), (0, 8, 8)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["rows", "columns", "one"])
@torch.inference_mode()
def test_it_agrees_with_its_slow_twin(
    activation: Activation | None, rows: int, inputs: int, outputs: int, bias: bool, kind: str
) -> None:
    torch.manual_seed(0)
    linear, x_TI = nn.Linear(inputs, outputs, bias=bias), torch.randn(rows, inputs)
    layer = packed(layer_of(linear, {"rows": 0, "columns": inputs, "one": 1}[kind]), activation)
    torch.testing.assert_close(layer(x_TI).double(), int8_reference(layer, x_TI), rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_it_is_nearly_the_layer_that_it_was_made_from() -> None:
    torch.manual_seed(0)
    linear, x_TI = nn.Linear(96, 64), torch.randn(40, 96)
    expected_TO = linear(x_TI)
    for scales in (0, 1, 96):
        found_TO = packed(layer_of(linear, scales))(x_TI)
        assert torch.cosine_similarity(found_TO, expected_TO).min() > 0.999


@pytest.mark.parametrize("scales", [0, 1, 48])
@torch.inference_mode()
def test_a_row_in_a_batch_is_the_row_alone(scales: int) -> None:
    torch.manual_seed(0)
    layer, x_TI = packed(layer_of(nn.Linear(48, 32), scales)), torch.randn(29, 48)
    assert torch.equal(layer(x_TI), torch.cat([layer(x_TI[row : row + 1]) for row in range(29)]))


@torch.inference_mode()
def test_the_first_layer_of_an_mlp_writes_what_the_second_reads() -> None:
    torch.manual_seed(0)
    x_TI = torch.randn(12, 32)
    up, down = layer_of(nn.Linear(32, 64), 32), layer_of(nn.Linear(64, 32), 1)
    mlp = MLP(up, down, "gelu")
    convert_linears(mlp, "int8", torch.float32)
    assert up.writes == down.reads == (pytest.approx(8 / 255), MIDDLE + 1)
    assert up(x_TI).dtype == torch.uint8
    between_TF = int8_reference(up, x_TI).float()
    expected_TO = int8_reference(down, between_TF)
    assert torch.cosine_similarity(mlp(x_TI).double(), expected_TO).min() > 0.9999


@pytest.mark.parametrize(("activation", "scales"), [("silu", 1), ("gelu", 64), ("gelu", 0)])
@torch.inference_mode()
def test_no_bytes_are_written_where_they_would_be_others(activation: Activation, scales: int) -> None:
    mlp = MLP(layer_of(nn.Linear(32, 64), 32), layer_of(nn.Linear(64, 32), scales), activation)
    convert_linears(mlp, "int8", torch.float32)
    assert isinstance(mlp.up, Int8Linear)
    assert mlp.up.writes is None
    assert mlp(torch.randn(3, 32)).shape == (3, 32)


def copies(layer: Int8Linear) -> list[Int8Linear]:
    loaded = packed(Int8Linear(torch.zeros_like(usual(layer.weight)), layer.weight_scale, torch.zeros(5)))
    loaded.load_state_dict(layer.state_dict())
    return [deepcopy(layer), pickle.loads(pickle.dumps(layer)), loaded]


@torch.inference_mode()
def test_it_is_saved_copied_and_loaded_as_it_was() -> None:
    torch.manual_seed(0)
    layer, x_TI = packed(layer_of(nn.Linear(7, 5))), torch.randn(3, 7)
    assert layer.state_dict()["weight"].shape == (5, 7)
    assert layer.state_dict()["weight"].dtype == torch.int8
    for copy in copies(layer):
        assert copy.is_packed
        assert torch.equal(copy(x_TI), layer(x_TI))


def test_before_it_is_packed_it_is_what_a_folder_stores() -> None:
    layer = Int8Linear.like(nn.Linear(7, 5, device="meta"), 7)
    assert {name: tuple(tensor.shape) for name, tensor in layer.state_dict().items()} == {
        "weight": (5, 7),
        "weight_scale": (5,),
        "weight_inputs": (2, 7),
        "bias": (5,),
    }
    assert not layer.is_packed


@torch.inference_mode()
def test_sums_are_exact_with_fewer_bits_too() -> None:
    torch.manual_seed(0)
    linear, x_TI = nn.Linear(64, 48), torch.randn(20, 64)
    layer = Int8Linear.of(linear)
    layer.pack(7)
    weight: Tensor = usual(layer.weight)
    assert weight.abs().max() <= 63
    torch.testing.assert_close(layer(x_TI).double(), int8_reference(layer, x_TI), rtol=1e-5, atol=1e-5)
