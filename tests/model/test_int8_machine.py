from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

from bertkit.model import int8_machine
from bertkit.model.int8_machine import Int8Kernels, int8_kernels, int8_product

# What a process says of its kernels, and the vector of a text in int8 beside that in float32, and in 8 bits elsewhere.
PROGRAM = """
import json, numpy as np, bertkit
from bertkit.model import int8_machine
kernels = int8_machine.int8_kernels()
int8_machine.int8_kernels = lambda: int8_machine.Int8Kernels(kernels.bits, 2.0)
import bertkit.inference.precision, bertkit.model.linear
bertkit.inference.precision.int8_kernels = bertkit.model.linear.int8_kernels = int8_machine.int8_kernels
texts = ["the double helix", "a cat", "Prices fell sharply on Tuesday, analysts said."]
vectors = [bertkit.load(dtype=dtype).encode(texts).tolist() for dtype in ("float32", "int8")]
print(json.dumps({"bits": kernels.bits, "vectors": vectors}))
"""


def test_products_are_measured_once() -> None:
    assert int8_kernels() is int8_kernels()
    assert int8_kernels().bits in (0, 7, 8)


def test_what_is_wrong_in_8_bits_is_tried_in_7(monkeypatch: pytest.MonkeyPatch) -> None:
    def saturating(bytes_TI: torch.Tensor, packed: torch.Tensor, scale_O: torch.Tensor) -> torch.Tensor:
        exact = int8_product(bytes_TI, packed, scale_O)
        return exact + 1 if packed.to_dense().abs().max() > 63 else exact

    if int8_kernels().bits == 8:
        monkeypatch.setattr(int8_machine, "int8_product", saturating)
    int8_kernels.cache_clear()
    try:
        assert int8_kernels().bits == 7
    finally:
        int8_kernels.cache_clear()


def test_what_is_never_right_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8_machine, "_is_exact", lambda largest: False)
    int8_kernels.cache_clear()
    try:
        assert int8_kernels() == Int8Kernels(0, 0.0)
        assert not int8_kernels().pays
    finally:
        int8_kernels.cache_clear()


@pytest.mark.parametrize(
    ("kernels", "words"),
    [
        (Int8Kernels(8, 3.24), "weights of 8 bits, exact, products up to 3.2 times as fast as float32"),
        (
            Int8Kernels(7, 0.4),
            "weights of 7 bits, exact, products up to 0.4 times as fast as float32; float32 is computed",
        ),
        (Int8Kernels(0, 0.0), "int8 products are not exact on this machine; float32 is computed"),
    ],
)
def test_it_is_said_in_words(kernels: Int8Kernels, words: str) -> None:
    assert str(kernels) == words


@pytest.mark.slow
def test_answers_are_nearly_the_same_without_the_instructions() -> None:
    said = {}
    for most in ("DEFAULT", "AVX512_CORE", "AVX2"):
        environment = os.environ | {"ONEDNN_MAX_CPU_ISA": most}
        ran = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        said[most] = json.loads(ran.stdout)
    for most, found in said.items():
        plain, int8 = (torch.tensor(vectors) for vectors in found["vectors"])
        assert torch.cosine_similarity(plain, int8).min() > 0.985, most
        there = torch.tensor(said["DEFAULT"]["vectors"][1])
        assert (int8 - there).abs().max() < 1e-2 if found["bits"] == said["DEFAULT"]["bits"] else True
    assert said["AVX2"]["bits"] == 7 or said["DEFAULT"]["bits"] == 7
