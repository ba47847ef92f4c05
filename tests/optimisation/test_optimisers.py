"""The optimiser of a run: its groups, their rates and decay."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)

from bertkit.batching.token_batch import TokenBatch
from bertkit.config.encoder import EncoderConfig
from bertkit.config.training import Optimiser
from bertkit.model.build import build_encoder
from bertkit.model.init import initialise
from bertkit.optimisation.optimisers import build_optimiser, set_rate

CONFIG = EncoderConfig(
    vocab_size=20, width=8, heads=2, ffn_width=12, layer_of_step=(0, 1), hidden_dropout=0.0, attention_dropout=0.0
)
BATCH = TokenBatch.pack([[1, 2, 3, 4], [5, 6]], [[0, 0, 1, 1], [0, 0]])
NAMES = ["adamw", "lamb", "muon"]


class Whole(nn.Module):
    """An encoder and a head, as a run has them."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = build_encoder(CONFIG)
        self.head = nn.Linear(8, 3)
        initialise(self, generator=torch.Generator().manual_seed(0))

    def forward(self) -> torch.Tensor:
        hidden_TW = self.encoder(BATCH)
        pooled_BW = self.encoder.pooler(hidden_TW, BATCH.layout)
        return self.head(hidden_TW).square().sum() + self.head(pooled_BW).square().sum()


def optimiser_of(model: nn.Module, **fields: object) -> torch.optim.Optimizer:
    return build_optimiser(model.named_parameters(), Optimiser.model_validate(fields), CONFIG.layers)


def group_of(model: nn.Module, optimiser: torch.optim.Optimizer, name: str) -> dict[str, object]:
    parameter = dict(model.named_parameters())[name]
    (group,) = [g for g in optimiser.param_groups if any(p is parameter for p in g["params"])]
    return group


@pytest.mark.parametrize("name", NAMES)
def test_norms_and_biases_do_not_decay(name: str) -> None:
    model = Whole()
    optimiser = optimiser_of(model, name=name, weight_decay=0.3)
    for label, parameter in model.named_parameters():
        decay = group_of(model, optimiser, label)["weight_decay"]
        assert decay == (0.0 if label.endswith(".bias") or "norm" in label else 0.3), label
        assert (parameter.ndim == 1) == (decay == 0.0)


def test_rates_fall_from_the_heads_to_the_embeddings() -> None:
    model = Whole()
    optimiser = optimiser_of(model, learning_rate=1.0, layer_decay=0.5)
    expected = {
        "head.weight": 1.0,
        "head.bias": 1.0,
        "encoder.pooler.dense.weight": 1.0,
        "encoder.layers.1.mlp.up.weight": 0.5,
        "encoder.layers.1.mlp.up.bias": 0.5,
        "encoder.layers.0.mlp.up.weight": 0.25,
        "encoder.embeddings.token.weight": 0.125,
        "encoder.embeddings.norm.bias": 0.125,
    }
    assert {name: group_of(model, optimiser, name)["lr"] for name in expected} == expected


@pytest.mark.parametrize(("name", "groups"), [("adamw", 2), ("lamb", 2), ("muon", 3)])
def test_there_are_no_more_groups_than_kinds(name: str, groups: int) -> None:
    assert len(optimiser_of(Whole(), name=name).param_groups) == groups


def test_only_the_layers_matrices_are_orthogonal() -> None:
    model = Whole()
    optimiser = optimiser_of(model, name="muon", learning_rate=0.001, muon_learning_rate=0.05)
    for name, parameter in model.named_parameters():
        matrix = ".layers." in name and parameter.ndim == 2
        group = group_of(model, optimiser, name)
        assert (group["orthogonal"], group["lr"]) == (matrix, 0.05 if matrix else 0.001), name


def test_lamb_adapts_matrices_only_even_without_decay() -> None:
    model = Whole()
    optimiser = optimiser_of(model, name="lamb", weight_decay=0.0)
    assert group_of(model, optimiser, "head.weight")["adapt"] is True
    assert group_of(model, optimiser, "head.bias")["adapt"] is False


def test_frozen_parameters_are_left_out() -> None:
    model = Whole()
    model.encoder.embeddings.requires_grad_(False)
    kept = {id(p) for group in optimiser_of(model).param_groups for p in group["params"]}
    assert kept == {id(p) for p in model.parameters() if p.requires_grad}


@pytest.mark.parametrize("name", NAMES)
def test_the_rate_is_a_share_of_the_highest(name: str) -> None:
    optimiser = optimiser_of(Whole(), name=name, layer_decay=0.5)
    highest = [group["lr"] for group in optimiser.param_groups]
    for multiplier in (0.5, 0.0, 1.0):
        set_rate(optimiser, multiplier)
        assert [group["lr"] for group in optimiser.param_groups] == [multiplier * rate for rate in highest]


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_falls(name: str) -> None:
    model = Whole()
    optimiser = optimiser_of(model, name=name, learning_rate=0.01)
    losses = []
    for _ in range(15):
        loss = model()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


def step(model: Whole, optimiser: torch.optim.Optimizer) -> None:
    optimiser.zero_grad()
    model().backward()
    optimiser.step()


@pytest.mark.parametrize("name", NAMES)
def test_checkpoints_by_parameter_name_go_on(name: str) -> None:
    first, second = Whole(), Whole()
    one, other = (optimiser_of(model, name=name, layer_decay=0.9) for model in (first, second))
    step(first, one)
    set_rate(one, 0.5)
    options = StateDictOptions(flatten_optimizer_state_dict=True)
    state = deepcopy(get_optimizer_state_dict(first, one, options=options))  # else both share its tensors
    assert any(key.startswith("state.encoder.layers.1.mlp.up.weight.") for key in state)
    second.load_state_dict(first.state_dict())
    set_optimizer_state_dict(second, other, state, options=options)
    assert [g["lr"] for g in other.param_groups] == [g["lr"] for g in one.param_groups]
    step(first, one)
    step(second, other)
    for mine, theirs in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(mine, theirs)
