from __future__ import annotations

from torch import nn

from bertkit.config.vectors import ELEMENTWISE
from bertkit.tasks.activations import ACTIVATIONS


def test_each_is_a_class_of_torch_and_has_a_twin_in_numpy() -> None:
    assert all(isinstance(getattr(nn, name)(), nn.Module) for name in ELEMENTWISE)
    assert {name.lower() for name in ELEMENTWISE} == set(ACTIVATIONS)
