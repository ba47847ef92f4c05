"""What is there and what goes with what; damaged folders: `test_int8_folder.py`."""

from __future__ import annotations

import torch

from bertkit.checkpoints.stored import StoredTensors
from bertkit.config.int8 import INPUTS, SCALE
from bertkit.families.contract import Weight
from bertkit.model.quantising import quantise_rows
from bertkit.pretrained.int8_names import as_floats, check_stored, scales_of, with_endings

ROW = Weight("up.weight", ("a.weight", "b.weight"), by_heads=True)


def stored() -> StoredTensors:
    torch.manual_seed(0)
    whole, scale = quantise_rows(torch.randn(4, 3))
    tensors = {"a.weight": whole, "a.weight" + SCALE: scale, "a.weight" + INPUTS: torch.ones(2, 3) * 2}
    return StoredTensors.of(tensors | {"a.bias": torch.zeros(4)})


def test_numbers_are_known_by_their_shapes_and_made_when_they_are_asked_for() -> None:
    tensors = stored()
    check_stored(tensors, "here")
    floats = as_floats(tensors)
    assert {name: (header.shape, header.dtype) for name, header in floats.headers.items()} == {
        "a.weight": ((4, 3), "float32"),
        "a.bias": ((4,), "float32"),
    }
    expected = tensors["a.weight"].float() * tensors["a.weight" + SCALE][:, None] / 2
    assert torch.equal(floats["a.weight"], expected)
    assert floats["a.bias"] is tensors["a.bias"]


def test_rows_of_what_goes_with_a_weight() -> None:
    weight, scale, inputs = with_endings([ROW])
    assert weight == ROW
    assert (scale.ours, scale.theirs, scale.by_heads) == ("up.weight_scale", ("a.weight_scale", "b.weight_scale"), True)
    assert (inputs.ours, inputs.theirs, inputs.by_heads) == ("up.weight_inputs", ("a.weight_inputs",), False)
    assert scales_of([ROW], stored()) == {"up.weight": 3}
    assert scales_of([Weight("up.bias", ("a.bias",))], stored()) == {}
