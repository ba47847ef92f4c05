"""The memory of inference: against what an H100 took, and how it grows."""

from __future__ import annotations

import pytest

from bertkit.families.catalogue import FAMILIES
from bertkit.planner.inference_memory import inference_memory
from bertkit.planner.parameters import count_parameters

BASE = FAMILIES["bert"].presets["base"]


@pytest.mark.parametrize(("count", "length"), [(512, 128), (128, 512)])
def test_what_an_h100_took(count: int, length: int) -> None:
    # benchmarks/results/encoders_h100_2026-11-26.txt: 1.3 GiB, the workspace of cuBLAS included
    found = inference_memory(BASE, (length,) * count, precision="bfloat16", device="cuda")
    assert (found.total + 32 * 2**20) / 2**30 == pytest.approx(1.3, abs=0.05)


def test_weights_are_those_of_the_precision() -> None:
    sizes = {"float32": 4, "bfloat16": 2, "int8": 1}
    for precision, size in sizes.items():
        found = inference_memory(BASE, (1,), precision=precision)  # type: ignore[arg-type]
        assert found.weights == size * count_parameters(BASE)


def test_it_grows_with_tokens_and_with_padding() -> None:
    short, long = (inference_memory(BASE, (n,) * 4, precision="float32") for n in (64, 128))
    assert long.activations == 2 * short.activations
    padded = inference_memory(BASE, (512, 16, 16), precision="float32", padded=True)
    assert padded.activations == inference_memory(BASE, (512,) * 3, precision="float32").activations


def test_pairs_where_they_are_tensors() -> None:
    assert inference_memory(BASE, (128,), precision="float32").pairs == 0
    pairs = 2 * 12 * 128 * 128 * 4
    assert inference_memory(BASE, (128,), precision="float32", stores_pairs=True).pairs == pairs
    assert inference_memory(FAMILIES["mpnet"].presets["base"], (128,), precision="float32").pairs == pairs


def test_a_process_keeps_more_than_its_tensors_and_less_more_where_blocks_are_large() -> None:
    # One tensor between layers has 32 MiB with 10,923 tokens of 768 numbers: from there on it goes back to the system.
    small, large = (inference_memory(BASE, (1,) * count, precision="float32") for count in (10_922, 10_923))
    assert small.process > large.process > large.total
    # Without weights, for those of half precision are half as large.
    beside = [
        found.process - found.weights
        for found in (inference_memory(BASE, (8,), precision=name) for name in ("float32", "bfloat16"))
    ]
    assert beside[1] > beside[0]  # it compiles more kernels
