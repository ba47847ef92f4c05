"""The measured peak of the machine's matrix products."""

from __future__ import annotations

import time

import pytest
import torch

from bertkit.training import peak
from bertkit.training.peak import matmul_peak

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def fresh() -> None:
    matmul_peak.cache_clear()


def test_it_is_what_the_fastest_product_says(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([9.0, 0.5, 0.25, 0.5])  # the first is not counted
    monkeypatch.setattr(peak, "_product_seconds", lambda *matrices: next(seconds, 0.3))
    assert matmul_peak(CPU, torch.float32) == pytest.approx(2 * 128**3 / 0.5)


def test_matrices_grow_while_products_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    sides = []

    def product(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> float:
        sides.append(left.shape[0])
        return 1e-3 if left.shape[0] < 512 else 0.03

    monkeypatch.setattr(peak, "_product_seconds", product)
    assert matmul_peak(CPU, torch.float32) == pytest.approx(2 * 256**3 / 1e-3)  # the fastest of all
    assert sorted(set(sides)) == [128, 256, 512]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_is_measured_once_and_soon(dtype: torch.dtype) -> None:
    start = time.perf_counter()
    first = matmul_peak(CPU, dtype)
    assert time.perf_counter() - start < 5.0  # under a second on a machine of its own
    assert 1e7 < first < 1e16
    start = time.perf_counter()
    assert matmul_peak(CPU, dtype) == first
    assert time.perf_counter() - start < 0.01
