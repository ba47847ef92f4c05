"""What modules do to a vector is the same in numpy and in torch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from bertkit.checkpoints.stored import StoredTensors
from bertkit.config.vectors import ELEMENTWISE, VECTOR
from bertkit.model.vector_steps import run_steps
from bertkit.pretrained.sentence_parts import NO_TENSORS, Link, VectorModule
from bertkit.pretrained.vector_arrays import finishing
from bertkit.pretrained.vector_recipes import steps_of

HERE = Link(VECTOR, VECTOR)


def random(**shapes: tuple[int, ...]) -> StoredTensors:
    generator = torch.Generator().manual_seed(3)
    named = {name.replace("_", "."): shape for name, shape in shapes.items()}
    return StoredTensors.of({name: torch.randn(shape, generator=generator) for name, shape in named.items()})


def dense(
    link: Link = HERE, activation: str = "tanh", residual: bool = False, **shapes: tuple[int, ...]
) -> VectorModule:
    return VectorModule("Dense", {}, random(**shapes), link, activation, residual)


CHAINS: Mapping[str, tuple[VectorModule, ...]] = {
    "dense": (dense(linear_weight=(7, 5), linear_bias=(7,)),),
    "no bias": (dense(linear_weight=(3, 5)),),
    "residual": (dense(residual=True, linear_weight=(5, 5), linear_bias=(5,)),),
    "residual of another width": (dense(residual=True, linear_weight=(4, 5), residual_weight=(4, 5)),),
    "norm": (VectorModule("LayerNorm", {}, random(norm_weight=(5,), norm_bias=(5,)), HERE),),
    "length 1": (VectorModule("Normalize", {}, NO_TENSORS, HERE),),
    "aside": (
        dense(Link(VECTOR, "other"), linear_weight=(3, 5)),
        VectorModule("Dropout", {}, NO_TENSORS, None),
        dense(Link("other", VECTOR), linear_weight=(2, 3)),
    ),
    **{name: (dense(activation=name.lower(), linear_weight=(9, 5), linear_bias=(9,)),) for name in ELEMENTWISE},
}


@pytest.mark.parametrize("modules", CHAINS.values(), ids=CHAINS)
def test_numpy_and_torch_agree(modules: tuple[VectorModule, ...]) -> None:
    vector_W = np.linspace(-3, 2, 5, dtype=np.float32)
    change = finishing(modules)
    assert change is not None
    found = change(vector_W)
    expected = run_steps(steps_of(modules), {VECTOR: torch.from_numpy(vector_W)[None]})[VECTOR][0].numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=2e-6)


def test_a_vector_of_zeros_keeps_its_length() -> None:
    change = finishing(CHAINS["length 1"])
    assert change is not None
    assert change(np.zeros(5, np.float32)).tolist() == [0.0] * 5


def test_modules_that_do_nothing_are_none() -> None:
    assert finishing(()) is None
    assert finishing((VectorModule("Dropout", {}, NO_TENSORS, None),)) is None
