"""Which kernel attention takes."""

from __future__ import annotations

from typing import Any

import pytest

from bertkit.config.kernels import (
    Capability,
    Processor,
    attention_kernel,
    best_precision,
    compiles_per_size,
    linear_kind,
    takes_chunks,
    takes_varlen,
)

CPU, MPS = Processor("cpu"), Processor("mps")


def gpu(*capability: int, rocm: bool = False) -> Processor:
    major, minor = capability
    return Processor("cuda", (major, minor), rocm=rocm)


PLAIN: dict[str, Any] = {
    "processor": CPU,
    "half": False,
    "head_width": 64,
    "grouped": False,
    "local": False,
    "biased": False,
    "drops": False,
    "learns": False,
}


@pytest.mark.parametrize(
    ("changes", "kernel"),
    [
        ({}, "by-length"),
        ({"drops": True}, "dropped"),
        ({"drops": True, "half": True}, "dropped"),
        ({"drops": True, "local": True}, "by-length"),
        ({"drops": True, "grouped": True}, "by-length"),
        ({"drops": True, "biased": True}, "by-length"),
        ({"processor": gpu(9, 0)}, "by-length"),
        ({"processor": gpu(9, 0), "drops": True}, "by-length"),
        ({"processor": gpu(9, 0), "half": True}, "varlen"),
        ({"processor": gpu(9, 0), "half": True, "local": True, "grouped": True, "drops": True}, "varlen"),
        ({"processor": gpu(9, 0), "half": True, "biased": True}, "by-length"),
        ({"processor": gpu(9, 0), "half": True, "head_width": 20}, "by-length"),
        ({"processor": gpu(7, 5), "half": True}, "by-length"),
        ({"processor": gpu(8, 6), "half": True, "head_width": 256}, "varlen"),
        ({"processor": gpu(8, 6), "half": True, "head_width": 256, "learns": True}, "by-length"),
        ({"processor": gpu(9, 4, rocm=True), "half": True}, "by-length"),
        ({"processor": MPS, "half": True}, "by-length"),
        ({"processor": MPS, "drops": True, "learns": True}, "by-length"),
    ],
)
def test_the_kernel(changes: dict[str, Any], kernel: str) -> None:
    asked = {**PLAIN, **changes}
    assert attention_kernel(asked.pop("processor"), **asked) == kernel


@pytest.mark.parametrize("capability", [(7, 0), (7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0)])
def test_which_gpus_have_the_variable_length_kernel(capability: Capability) -> None:
    one, has = gpu(*capability), capability >= (8, 0)
    for width in (8, 64, 192):
        assert takes_varlen(one, width, learns=True) == has
        assert takes_varlen(one, width, learns=False) == has
    assert takes_varlen(one, 256, learns=False) == has
    for width in (4, 36, 257, 264, 512):
        assert not takes_varlen(one, width, learns=False)


def test_small_gpus_learn_with_narrower_heads() -> None:
    for capability, can in {(8, 0): True, (8, 6): False, (8, 9): False, (9, 0): True, (12, 0): False}.items():
        assert takes_varlen(gpu(*capability), 256, learns=True) == can


PRECISIONS = {
    (3, 7): "float32",
    (6, 0): "float32",
    (6, 1): "float32",
    (7, 0): "float16",
    (7, 2): "float16",
    (7, 5): "float16",
    (8, 0): "bfloat16",
    (8, 6): "bfloat16",
    (8, 9): "bfloat16",
    (9, 0): "bfloat16",
    (10, 0): "bfloat16",
    (12, 0): "bfloat16",
}


@pytest.mark.parametrize(("capability", "expected"), PRECISIONS.items())
def test_the_precision_of_a_gpu(capability: Capability, expected: str) -> None:
    for has in (True, False):  # which is a CPU's matter
        assert best_precision(Processor("cuda", capability, bfloat16=has)) == expected


def test_the_precision_of_other_processors() -> None:
    assert best_precision(Processor("cpu", bfloat16=True)) == "bfloat16"
    assert best_precision(CPU) == best_precision(MPS) == best_precision(Processor("xpu")) == "float32"


@pytest.mark.parametrize(
    ("processor", "precision", "learns", "kind"),
    [
        (Processor("cpu", packs=True), "float32", False, "packed"),
        (Processor("cpu", packs=True), "float32", True, "plain"),
        (Processor("cpu", packs=True), "bfloat16", False, "plain"),
        (Processor("cpu", packs=True, bfloat16=True), "bfloat16", False, "packed"),
        (Processor("cpu", packs=True, bfloat16=True), "float16", False, "plain"),
        (CPU, "float32", False, "plain"),
        (gpu(9, 0), "float32", False, "plain"),
        (Processor("mps", packs=True), "float32", False, "plain"),
        (Processor("cpu", packs=True), "int8", False, "int8"),
        (Processor("cpu"), "int8", False, "plain"),
        (gpu(9, 0), "int8", False, "plain"),
    ],
)
def test_the_kind_of_linear_layers(processor: Processor, precision: str, learns: bool, kind: str) -> None:
    assert linear_kind(processor, precision, learns=learns) == kind


def test_local_attention_of_long_sequences_goes_in_chunks() -> None:
    assert [takes_chunks(length, 4, biased=False) for length in (12, 13)] == [False, True]
    assert [takes_chunks(length, 0, biased=False) for length in (3, 4)] == [False, True]
    assert not takes_chunks(999, None, biased=False)
    assert not takes_chunks(999, 4, biased=True)


def test_products_of_half_precision_are_compiled_on_a_cpu() -> None:
    assert [compiles_per_size("cpu", narrow=narrow) for narrow in (True, False)] == [True, False]
    assert not compiles_per_size("cuda", narrow=True)
    assert not compiles_per_size("mps", narrow=True)
