"""LAMB against its definition."""

from __future__ import annotations

import math
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from bertkit.optimisation import lamb
from bertkit.optimisation.lamb import Lamb

SETTINGS = {"betas": (0.9, 0.99), "eps": 1e-6}
Array = np.ndarray


def lamb_reference(weight: Array, gradients: list[Array], rate: float, decay: float, adapt: bool) -> Array:
    """The slow twin, float64: algorithm 2 of the paper, one tensor, as it reads."""
    first, second = np.zeros_like(weight), np.zeros_like(weight)
    for step, gradient in enumerate(gradients, start=1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        direction = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-6) + decay * weight
        length, size = np.linalg.norm(weight), np.linalg.norm(direction)
        ratio = length / size if adapt and length > 0 and size > 0 else 1.0
        weight = weight - rate * ratio * direction
    return weight


def groups_of(parameters: list[nn.Parameter], decay: float, adapt: bool) -> list[dict[str, object]]:
    return [{"params": parameters, "lr": 0.01, "weight_decay": decay, "adapt": adapt, **SETTINGS}]


@pytest.mark.parametrize(("decay", "adapt"), [(0.1, True), (0.0, True), (0.0, False), (0.1, False)])
@pytest.mark.parametrize("bytes_at_once", [2**28, 100])
def test_it_is_what_the_paper_says(
    monkeypatch: pytest.MonkeyPatch, decay: float, adapt: bool, bytes_at_once: int
) -> None:
    monkeypatch.setattr(lamb, "MOST_BYTES_AT_ONCE", bytes_at_once)
    random = np.random.default_rng(0)
    weights = [random.normal(size=shape) * scale for shape, scale in [((5, 3), 1.0), ((4,), 0.1), ((2, 9), 9.0)]]
    weights.append(np.zeros((3, 3)))
    gradients = [[random.normal(size=w.shape) for w in weights] for _ in range(6)]
    parameters = [nn.Parameter(torch.tensor(w, dtype=torch.float32)) for w in weights]
    optimiser = Lamb(groups_of(parameters, decay, adapt))
    for at_step in gradients:
        for parameter, gradient in zip(parameters, at_step, strict=True):
            parameter.grad = torch.tensor(gradient, dtype=torch.float32)
        optimiser.step()
    for number, parameter in enumerate(parameters):
        expected = lamb_reference(weights[number], [g[number] for g in gradients], 0.01, decay, adapt)
        np.testing.assert_allclose(parameter.detach().numpy(), expected, rtol=2e-6, atol=1e-7)


def test_a_parameter_without_a_gradient_stays() -> None:
    still, moved = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2, 2))
    optimiser = Lamb(groups_of([still, moved], 0.1, True))
    moved.grad = torch.ones(2, 2)
    optimiser.step()
    assert still.tolist() == [[1.0, 1.0]] * 2
    assert still not in optimiser.state
    # A ratio of norms makes the step as long as the tensor, times the rate.
    assert float((moved.detach() - 1).norm()) == pytest.approx(0.01 * math.sqrt(4), rel=1e-5)


def test_a_step_of_nothing_changes_nothing() -> None:
    parameter = nn.Parameter(torch.ones(2, 2))
    optimiser = Lamb(groups_of([parameter], 0.0, True))
    parameter.grad = torch.zeros(2, 2)
    optimiser.step()
    assert parameter.tolist() == [[1.0, 1.0]] * 2


def test_its_state_goes_on_where_it_was() -> None:
    start = torch.arange(6.0).view(2, 3)
    parameters = [nn.Parameter(start.clone()) for _ in range(2)]
    optimisers = [Lamb(groups_of([parameter], 0.1, True)) for parameter in parameters]

    def step(which: int, value: float) -> None:
        parameters[which].grad = torch.full((2, 3), value) * start
        optimisers[which].step()

    step(0, 1.0)
    optimisers[1].load_state_dict(deepcopy(optimisers[0].state_dict()))  # else they share its tensors
    with torch.no_grad():
        parameters[1].copy_(parameters[0])
    step(0, -2.0)
    step(1, -2.0)
    assert torch.equal(parameters[0], parameters[1])


def test_a_closure_gives_the_loss() -> None:
    parameter = nn.Parameter(torch.ones(1, 1))
    optimiser = Lamb(groups_of([parameter], 0.0, True))

    def closure() -> float:
        (3 * parameter).sum().backward()
        return 3.0

    assert optimiser.step(closure) == 3.0
    assert float(parameter.detach()) < 1.0
