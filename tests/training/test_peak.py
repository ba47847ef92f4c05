"""The measured peak of the machine's matrix products."""

from __future__ import annotations

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
def test_it_is_measured_once_and_with_few_products(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    measure, sides = peak._product_seconds, []

    def product(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> float:
        sides.append(left.shape[0])
        return measure(left, right, out)

    monkeypatch.setattr(peak, "_product_seconds", product)
    first = matmul_peak(CPU, dtype)
    assert 0 < first < 1e16
    assert len(sides) <= (peak.MOST_PRODUCTS + 1) * len(peak.SIDES["cpu"])
    assert max(sides) <= 1024
    sides.clear()
    assert matmul_peak(CPU, dtype) == first
    assert sides == []
