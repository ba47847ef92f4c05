from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers.activations import ACT2FN

from bertkit.config.encoder import Activation
from bertkit.model.mlp import ACTIVATIONS, MLP, GatedMLP

THEIRS = {"gelu": "gelu", "gelu_tanh": "gelu_pytorch_tanh", "relu": "relu", "silu": "silu", "tanh": "tanh"}
LEARNT: list[Activation] = ["gelu", "gelu_tanh", "relu", "silu"]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_those_of_transformers(name: Activation) -> None:
    x = torch.linspace(-5, 5, 101, dtype=torch.float64)
    torch.testing.assert_close(ACTIVATIONS[name](x), ACT2FN[THEIRS[name]](x))


@pytest.mark.parametrize("activation", LEARNT)
@torch.no_grad()
def test_plain_and_gated(activation: Activation) -> None:
    x_TW, up, gates, down = torch.randn(3, 5), nn.Linear(5, 7), nn.Linear(5, 7), nn.Linear(7, 5)
    acted_TF = ACT2FN[THEIRS[activation]](up(x_TW))
    torch.testing.assert_close(MLP(up, down, activation)(x_TW), down(acted_TF))
    wide = nn.Linear(5, 14)
    wide.weight.copy_(torch.cat([up.weight, gates.weight]))
    wide.bias.copy_(torch.cat([up.bias, gates.bias]))
    torch.testing.assert_close(GatedMLP(wide, down, activation)(x_TW), down(acted_TF * gates(x_TW)))
