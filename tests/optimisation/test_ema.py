"""A running mean of the weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bertkit.optimisation.ema import RunningMean


def small(value: float = 0.0, dtype: torch.dtype = torch.float32) -> nn.Linear:
    model = nn.Linear(2, 1, bias=False, dtype=dtype)
    set_to(model, value)
    return model


@torch.no_grad()
def set_to(model: nn.Linear, value: float) -> None:
    model.weight.fill_(value)


def mean_of(mean: RunningMean) -> float:
    return float(mean.state_dict()["means.weight"][0, 0])


def test_it_follows_the_weights_by_hand() -> None:
    model = small(1.0)
    mean = RunningMean(model, decay=0.15)
    set_to(model, 2.0)
    mean.update()
    assert mean_of(mean) == pytest.approx(0.1 * 1.0 + 0.9 * 2.0)
    set_to(model, 4.0)
    mean.update()  # from here on 0.15 is less than (1 + n) / (10 + n)
    assert mean_of(mean) == pytest.approx(0.15 * 1.9 + 0.85 * 4.0)


def test_the_model_has_the_mean_only_while_it_lasts() -> None:
    model = small(1.0)
    mean = RunningMean(model, decay=0.5)
    set_to(model, 2.0)
    with mean.swapped():
        assert model.weight.tolist() == [[1.0, 1.0]]
    assert model.weight.tolist() == [[2.0, 2.0]]
    with pytest.raises(RuntimeError, match="inside"), mean.swapped():
        raise RuntimeError("inside")
    assert model.weight.tolist() == [[2.0, 2.0]]
    assert mean_of(mean) == 1.0


def test_the_mean_is_float32_whatever_the_weights() -> None:
    model = small(1.0, torch.bfloat16)
    mean = RunningMean(model, decay=0.999)
    for _ in range(3000):  # each step moves less than bfloat16 can tell
        mean.update()
    set_to(model, 1.0 + 2**-7)
    mean.update()
    assert 1.0 < mean_of(mean) < 1.0 + 2**-10
    with mean.swapped():
        assert model.weight.dtype == torch.bfloat16


def test_its_state_goes_on_where_it_was() -> None:
    models = small(1.0), small(5.0)
    means = [RunningMean(model, decay=0.9) for model in models]
    means[0].update()
    means[1].load_state_dict(means[0].state_dict())
    for model, mean in zip(models, means, strict=True):
        set_to(model, 3.0)
        mean.update()
    assert mean_of(means[0]) == mean_of(means[1]) != 3.0


def test_a_state_without_a_parameter_is_refused() -> None:
    mean = RunningMean(small(), decay=0.9)
    with pytest.raises(KeyError, match=r"means\.weight"):
        mean.load_state_dict({"updates": torch.tensor(1)})


def test_tied_weights_are_followed_once() -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    assert list(RunningMean(model, decay=0.9).state_dict()) == ["updates", "means.0.weight"]
