"""The numpy functions are torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bertkit.model import vector_steps
from bertkit.tasks.activations import ACTIVATIONS


def test_every_name_of_torch_is_there() -> None:
    assert set(ACTIVATIONS) == set(vector_steps.ACTIVATIONS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_function_is_torchs(name: str) -> None:
    x_N = np.array([-700.0, -30.0, -3.5, -1.0, -0.5, -0.2, 0.0, 0.1, 0.5, 0.7, 1.0, 3.0, 7.5, 40.0])
    theirs = vector_steps.ACTIVATIONS[name](torch.from_numpy(x_N)).numpy()
    np.testing.assert_allclose(ACTIVATIONS[name](x_N), theirs, rtol=1e-12, atol=1e-15)
